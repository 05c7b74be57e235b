import type { Clock } from '../../src/model/ports/clock.ts'

interface Timer {
  readonly dueMs: number
  /** Of timers that are due at the same time, the one that was set first goes first. */
  readonly order: number
  readonly fire: () => void
}

/** The time of day at 0. */
const START_EPOCH_MS = Date.parse('2026-01-02T03:04:05.000Z')

/** A Clock that starts at 0 and stands still until it is told how much time passes. The same calls fire the same timers in the same order. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  #nowMs = 0
  #frozenMs = 0
  #orders = 0

  nowMs(): number {
    return this.#nowMs + this.#frozenMs
  }

  timestamp(): string {
    return new Date(START_EPOCH_MS + this.nowMs()).toISOString()
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController()
    this.#after(ms, () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')))
    return controller.signal
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const abort = (): void => {
      this.#timers.delete(timer)
      reject(signal?.reason as Error)
    }
    const timer = this.#after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
    return promise
  }

  after(ms: number, task: () => void): Disposable {
    const timer = this.#after(ms, task)
    return { [Symbol.dispose]: () => this.#timers.delete(timer) }
  }

  every(ms: number, task: () => void | Promise<void>): Disposable {
    let running = false
    const run = (): void => {
      timer = this.#after(ms, run)
      if (running) return
      const work = task()
      if (work === undefined) return
      running = true
      void work.finally(() => (running = false))
    }
    let timer = this.#after(ms, run)
    return { [Symbol.dispose]: () => this.#timers.delete(timer) }
  }

  /** Timers that are set; 0 when nothing waits for this clock. */
  get pending(): number {
    return this.#timers.size
  }

  /** Time goes on by `ms` while the timers stand still, as in a process that is not run. */
  freeze(ms: number): void {
    this.#frozenMs += ms
  }

  /** Lets `ms` pass at once: fires what falls due, in order of time, also timers that are set by what is fired. Promises settle afterwards. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    while (this.#fireNext(untilMs)) continue
    this.#nowMs = untilMs
  }

  /** The same, but after each timer everything that it wakes runs on as far as it can: so what waits in steps sets its further timers in time. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    do await settled()
    while (this.#fireNext(untilMs))
    this.#nowMs = untilMs
  }

  /** Fires the first timer that is due by then; false when there is none. */
  #fireNext(untilMs: number): boolean {
    const next = this.#next(untilMs)
    if (next === undefined) return false
    this.#timers.delete(next)
    this.#nowMs = next.dueMs
    next.fire()
    return true
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) next = timer
    }
    return next
  }

  #after(ms: number, fire: () => void): Timer {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, Math.ceil(ms)), order: this.#orders++, fire }
    this.#timers.add(timer)
    return timer
  }
}

/** Resolves once all promise reactions that are ready, and those that they make ready, have run. */
function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
