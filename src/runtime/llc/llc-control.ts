import { CaresError, toCaresError } from '../../model/errors.ts'
import type { CacheNeed, LlcReason, LlcState } from '../../model/llc.ts'
import { reasonText } from '../../model/llc.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { ReadText } from '../cgroup-limits.ts'
import type { Instance } from '../driver.ts'
import { CacheClasses, type CacheMember } from './cache-classes.ts'
import { CacheMonitor, usedByAll } from './cache-monitor.ts'
import { detectLlc, type Llc } from './detect-llc.ts'
import { Resctrl } from './resctrl.ts'
import type { ResctrlFiles } from './resctrl-files.ts'

/** How often the division of the cache is looked over. Data that moves costs time, too: more often would be unrest. */
const RECONCILE_MS = 5_000

/** What the control of a cache is made with. */
export interface LlcControlInit {
  /** `off`: nothing is looked at, and nothing touched. */
  readonly use: 'auto' | 'off'
  /** Absent: threads of containers can be told apart here. */
  readonly blind?: LlcReason | undefined
  /** Of the groups that this peer makes; each peer of a machine has its own. */
  readonly prefix: string
}

/** A container that is confined to some ways. */
export interface Confined {
  /** Of the cache, what it can have. */
  readonly bytes: number
  /** Ends it. Never rejects; may be called twice. */
  end(): Promise<void>
}

/**
 * The last-level cache of a peer: finds out what can be done about it, does that for the containers it is told of, and says how things stand.
 * Everything that touches resctrl happens one after the other, beside the calls: nobody who calls a function waits for it, but for one that is to
 * be measured.
 */
export class LlcControl implements Startable {
  readonly #init: LlcControlInit
  readonly #components: { readonly files: ResctrlFiles; readonly read: ReadText; readonly clock: Clock; readonly log: Logger }
  #llc: Llc = { mode: 'none', reason: 'unknown', bytes: 0, ways: 0 }
  #needOf: (fn: string) => CacheNeed | undefined = () => undefined
  #classes: CacheClasses | undefined
  #monitor: CacheMonitor | undefined
  #usedBytes: number | undefined
  #timer: Disposable | undefined
  #queue: Promise<void> = Promise.resolve()

  constructor(init: LlcControlInit, components: { files: ResctrlFiles; read: ReadText; clock: Clock; log: Logger }) {
    this.#init = init
    this.#components = components
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    const { use, blind, prefix } = this.#init
    const { files, read, clock, log } = this.#components
    if (use === 'off') {
      this.#llc = { mode: 'none', reason: 'off', bytes: 0, ways: 0 }
      return
    }
    this.#llc = await detectLlc(files, read, { seesThreads: blind === undefined, why: blind ?? 'unknown', prefix })
    const { mode, reason, bytes, ways, info } = this.#llc
    log.info({ mode, why: reasonText(reason), bytes, ways }, 'last-level cache')
    if (mode !== 'enforced' && mode !== 'monitor') return
    const resctrl = new Resctrl(files)
    if (mode === 'enforced' && info?.allocation !== undefined) {
      const { allocation } = info
      const needOf = (fn: string): CacheNeed | undefined => this.#needOf(fn)
      const wayBytes = bytes / allocation.domains.length / allocation.ways
      this.#classes = new CacheClasses({ prefix, allocation, wayBytes }, { resctrl, needOf, log })
    } else {
      this.#monitor = new CacheMonitor({ prefix }, { resctrl })
    }
    this.#do(async () => this.#clear())
    await this.#queue
    this.#timer = clock.every(RECONCILE_MS, async () => {
      this.#do(async () => {
        await this.#classes?.reconcile()
        if (info?.monitors === true) this.#usedBytes = await usedByAll(resctrl)
      })
      await this.#queue
    })
  }

  /** Gives everything back. */
  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#do(async () => this.#clear())
    await this.#queue
    this.#classes = undefined
    this.#monitor = undefined
  }

  /** Where it is asked what functions want. */
  onNeed(needOf: (fn: string) => CacheNeed | undefined): void {
    this.#needOf = needOf
  }

  /** How things stand, with so many containers of each function at work. */
  state(busy: Iterable<{ readonly function: string; readonly busy: number }>): LlcState {
    const { mode, reason, bytes, ways } = this.#llc
    let expectedBytes = 0
    if (mode !== 'none') for (const { function: fn, busy: count } of busy) expectedBytes += count * (this.#needOf(fn)?.bytes ?? 0)
    const classes = this.#classes?.count ?? 0
    return {
      mode,
      reason,
      bytes,
      ways,
      expectedBytes,
      ...(this.#usedBytes === undefined ? {} : { usedBytes: this.#usedBytes }),
      ...(classes === 0 ? {} : { classes })
    }
  }

  /** Looks after a container that has just been started, until it has ended. */
  admit(instance: Pick<Instance, 'id' | 'exited' | 'threads'>, fn: string): void {
    if (this.#classes === undefined && this.#monitor === undefined) return
    const member: CacheMember = { id: instance.id, function: fn, threads: () => instance.threads?.() ?? [] }
    this.#do(async () => {
      await this.#classes?.admit(member)
      await this.#monitor?.admit(member)
    })
    void instance.exited.then(() =>
      this.#do(async () => {
        this.#classes?.release(instance.id)
        await this.#monitor?.release(instance.id)
      })
    )
  }

  /** Whether containers are counted. */
  get counts(): boolean {
    return this.#monitor !== undefined
  }

  /** What a container holds of the cache now; undefined where that is not counted. */
  async usedBytes(id: string): Promise<number | undefined> {
    let bytes: number | undefined
    this.#do(async () => {
      bytes = await this.#monitor?.usedBytes(id)
    })
    await this.#queue
    return bytes
  }

  /** Throws `invalid` with the reason where no function can be confined to some ways. */
  assertConfines(): void {
    if (this.#llc.mode === 'enforced') return
    const { mode, reason } = this.#llc
    throw new CaresError('invalid', `this peer cannot confine a function to some ways of its cache: ${mode}: ${reasonText(reason)}`, {
      hint: 'see which peers can: cares peers --json, .items[].llc'
    })
  }

  /** Confines a container to so many ways. Throws as `assertConfines` and `CacheClasses.confine` do. */
  async confine(id: string, ways: number): Promise<Confined> {
    this.assertConfines()
    const { promise, resolve, reject } = Promise.withResolvers<{ bytes: number }>()
    this.#do(async () => {
      try {
        const classes = this.#classes
        if (classes === undefined) throw new CaresError('stopping', 'this peer is stopping', { retryable: true })
        resolve(await classes.confine(id, ways))
      } catch (error) {
        reject(error)
      }
    })
    const { bytes } = await promise
    const end = async (): Promise<void> => {
      this.#do(async () => this.#classes?.unconfine(id))
      await this.#queue
    }
    return { bytes, end }
  }

  async #clear(): Promise<void> {
    await this.#classes?.clear()
    await this.#monitor?.clear()
  }

  /** What fails for want of classes is tried again by and by; whatever else fails, resctrl is left alone from then on. */
  #do(step: () => Promise<void> | undefined): void {
    this.#queue = this.#queue.then(step).catch(async (err: unknown) => {
      const { log } = this.#components
      if (toCaresError(err).code === 'limit_reached') {
        log.debug({ err }, 'no class of the cache is left')
        return
      }
      log.warn({ err }, 'the cache is not divided any more')
      const { bytes, ways } = this.#llc
      this.#llc = { mode: 'advisory', reason: 'broke', bytes, ways }
      this.#usedBytes = undefined
      const [classes, monitor] = [this.#classes, this.#monitor]
      this.#classes = undefined
      this.#monitor = undefined
      await classes?.clear().catch((again: unknown) => log.warn({ err: again }, 'classes of the cache are left behind'))
      await monitor?.clear().catch((again: unknown) => log.warn({ err: again }, 'counters of the cache are left behind'))
    })
  }
}
