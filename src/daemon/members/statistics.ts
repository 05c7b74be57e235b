import type { Digest } from '../../model/ids.ts'
import type { PeerStats } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Host, HostUse, Runtime } from '../../model/ports/runtime.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import type { SnapshotHealth } from '../agreement/snapshot-health.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import type { Worker } from '../calls/work.ts'

/** Engine state and images are asked for this often: both answers cost the engine milliseconds and change seldom. */
const ENGINE_LOOK_MS = 5_000
const ENGINE_TIMEOUT_MS = 3_000
/** While the engine does not answer it is asked more often: calls wait for it. */
const ENGINE_LOOK_AGAIN_MS = 1_000
/** Images named in the statistics; a peer has few registered images compared to this. */
const IMAGES_MAX = 1_000

export interface StatisticsComponents {
  readonly host: Host
  readonly runtime: Runtime | null
  readonly worker: Worker
  /** Tasks and services that run here; `worker` knows of calls only. */
  readonly tasks: () => number
  readonly tables: () => RegistryTables
  readonly term: () => number
  readonly draining: () => boolean
  /** Whether this peer takes no part in what is agreed any more. @default it does */
  readonly fenced?: () => boolean
  /** What fails about snapshots now. @default nothing */
  readonly snapshotHealth?: Pick<SnapshotHealth, 'failure'>
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Logger
}

/** What this peer says of itself: samples the machine, the runtime and the worker. */
export class Statistics {
  readonly #components: StatisticsComponents
  #onImages: (present: readonly Digest[]) => void = () => {}
  #seq = 0
  #host: HostUse = { cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }
  #engine: { ready: boolean; reason: string; images: readonly Digest[] } | undefined
  #lookedFor: RegistryTables['functions'] | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  /** The engine has not answered the last look in time, but the one before it. */
  #isDoubted = false

  constructor(components: StatisticsComponents) {
    this.#components = components
  }

  /** The engine's state as it was last seen. */
  get engine(): { readonly ready: boolean; readonly reason: string } {
    return this.#engine ?? { ready: false, reason: 'the container engine has not been asked yet' }
  }

  /** See `Pressure`; 0 where the machine does not tell. */
  get memoryStalledRatio(): number {
    return this.#host.pressure?.memoryStalledRatio ?? 0
  }

  /** To be called with the images of registered functions that are here, whenever the engine was asked. */
  onImages(listener: (present: readonly Digest[]) => void): void {
    this.#onImages = listener
  }

  /** The engine has something new: it is asked again for the next sample. */
  lookAgain(): void {
    this.#lookedAtMs = Number.NEGATIVE_INFINITY
  }

  /** A fresh sample; its number is one above the last one's. Waits for the engine only the first time. */
  async sample(): Promise<PeerStats> {
    const { host, tables, clock, log } = this.#components
    const everyMs = this.#isDoubted || this.#engine?.ready === false ? ENGINE_LOOK_AGAIN_MS : ENGINE_LOOK_MS
    const isDue = clock.nowMs() - this.#lookedAtMs >= everyMs || this.#lookedFor !== tables().functions
    if (isDue) this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    if (this.#engine === undefined) await this.#looking
    try {
      this.#host = await host.sample()
    } catch (err) {
      log.warn({ err }, 'machine could not be sampled')
    }
    return this.now()
  }

  /** What is promised and running at this moment, over the machine as it was last sampled. Numbered like any other sample. */
  now(): PeerStats {
    const { runtime, worker, term, draining, fenced, snapshotHealth } = this.#components
    const use = runtime?.use() ?? { running: 0, cpusReserved: 0, memoryReservedBytes: 0, warm: [] }
    const { running, succeeded, failed, seenOrders } = worker.stats()
    const tasks = this.#components.tasks()
    return {
      ...this.#host,
      ...use,
      seq: ++this.#seq,
      running,
      ...(tasks === 0 ? {} : { tasks }),
      succeeded,
      failed,
      images: this.#engine?.images ?? [],
      draining: draining() || worker.isStopping,
      runtimeReady: this.#engine?.ready ?? false,
      ...(fenced?.() === true ? { fenced: true } : {}),
      ...(snapshotHealth?.failure === undefined ? {} : { snapshotFailure: snapshotHealth.failure }),
      term: term(),
      seenOrders
    }
  }

  async #look(): Promise<void> {
    const { runtime, tables, clock, log, events } = this.#components
    const { functions } = tables()
    this.#lookedAtMs = clock.nowMs()
    this.#lookedFor = functions
    const signal = clock.timeout(ENGINE_TIMEOUT_MS)
    let now: { ready: boolean; reason: string; images: readonly Digest[] }
    try {
      const { ready, reason } = runtime === null ? { ready: false, reason: 'started with --no-work' } : await runtime.check({ signal })
      const digests = [...new Set([...functions.values()].map(({ digest }) => digest))].slice(0, IMAGES_MAX)
      now = { ready, reason, images: ready && runtime !== null ? await runtime.present(digests, { signal }) : [] }
    } catch (err) {
      log.debug({ err }, 'container engine does not answer')
      now = { ready: false, reason: 'the container engine does not answer', images: [] }
    }
    const before = this.#engine
    // One late answer says less of the engine than of the machine, which may have stood still. An engine that refuses does so at once.
    this.#isDoubted = !now.ready && signal.aborted && before?.ready === true && !this.#isDoubted
    if (this.#isDoubted) {
      this.#lookedAtMs = clock.nowMs()
      return
    }
    this.#onImages(now.images)
    this.#engine = now
    if (before !== undefined && before.ready !== now.ready) {
      events.emit('runtime:state-changed', { ready: now.ready, reason: now.reason })
      log.warn({ ready: now.ready, reason: now.reason }, 'container engine changed state')
    }
  }
}
