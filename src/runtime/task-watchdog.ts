import { type ChildProcess, spawn } from 'node:child_process'
import type { Logger } from '../model/ports/logger.ts'
import { monotonicMs, type WatchdogEngine, type WatchdogOrder } from './watchdog-process.ts'

/** A watchdog that dies is started again, but not for ever: something ends it then that would end every other one, too. */
const STARTS_MAX = 100

/** What little the helper does needs little memory. */
const HEAP_MIB = 32

/**
 * Sees to it that what tasks run here ends with the lease, although this process were frozen (SIGSTOP), starved or killed. An engine has no timers
 * and an image need not have a shell, so a second process does it: it is told what is guarded and how long the lease lasts, and outlives its
 * peer for just as long as that takes. Started for the first task only.
 *
 * What it cannot cover is a machine, or a container of the peer itself, that is frozen as a whole: for that there is the fencing token.
 */
export class TaskWatchdog {
  readonly #engine: WatchdogEngine
  readonly #log: Logger
  readonly #guarded = new Set<string>()
  #untilMs = Number.POSITIVE_INFINITY
  #helper: ChildProcess | undefined
  #starts = 0
  #isStopped = false

  constructor(engine: WatchdogEngine, { log }: { log: Logger }) {
    this.#engine = engine
    this.#log = log
  }

  /** To be called before what it names can run. */
  guard(id: string): void {
    this.#guarded.add(id)
    if (this.#helper === undefined) this.#start()
    else this.#send({ guard: id })
  }

  release(id: string): void {
    if (this.#guarded.delete(id)) this.#send({ release: id })
  }

  /** The lease lasts for so long from now on; 0 ends everything that is guarded at once. */
  setLease(remainingMs: number): void {
    this.#untilMs = monotonicMs() + remainingMs
    this.#send({ untilMs: this.#untilMs })
  }

  /** Ends everything that is still guarded, and the helper after it. */
  stop(): void {
    this.#isStopped = true
    this.#helper?.stdin?.end()
    this.#helper = undefined
  }

  #start(): void {
    if (this.#isStopped || this.#starts >= STARTS_MAX) return
    this.#starts++
    const source = new URL(import.meta.url.endsWith('.ts') ? './watchdog-process.ts' : './watchdog-process.js', import.meta.url)
    const code = `import(${JSON.stringify(source.href)}).then(({ watch }) => watch(${JSON.stringify(this.#engine)}))`
    // A group of its own: what ends or stops the group of the peer must not take its watchdog with it.
    const helper = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, '--input-type=module', '--eval', code], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {}
    })
    helper.unref()
    // EPIPE: it has ended, which is dealt with below.
    helper.stdin.on('error', () => {})
    const onGone = (err?: unknown): void => {
      if (this.#helper !== helper) return
      this.#helper = undefined
      this.#log.warn({ err, guarded: this.#guarded.size, starts: this.#starts }, 'the watchdog of tasks has ended')
      if (this.#guarded.size > 0) this.#start()
    }
    helper.once('error', onGone)
    helper.once('exit', () => onGone())
    this.#helper = helper
    if (Number.isFinite(this.#untilMs)) this.#send({ untilMs: this.#untilMs })
    for (const id of this.#guarded) this.#send({ guard: id })
  }

  #send(order: WatchdogOrder): void {
    this.#helper?.stdin?.write(`${JSON.stringify(order)}\n`)
  }
}
