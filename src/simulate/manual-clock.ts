import type { Clock } from '../model/ports/clock.ts'

interface Timer {
  readonly dueMs: number
  /** Of timers that are due at the same time, the one that was set first goes first. */
  readonly order: number
  readonly fire: () => void
}

/** Where a new clock starts: not 0, so that a time that was never set does not pass for one that was. */
const START_MS = 1_000_000

/** The wall clock at `START_MS`, as an epoch. */
const START_EPOCH_MS = Date.UTC(2026, 0, 1)

/** A Clock that stands still until it is told how much time passes. The same calls fire the same timers in the same order. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  #nowMs = START_MS
  #orders = 0

  nowMs(): number {
    return this.#nowMs
  }

  timestamp(): string {
    return new Date(START_EPOCH_MS + this.#nowMs - START_MS).toISOString()
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
    const run = async (): Promise<void> => {
      timer = this.#after(ms, () => void run())
      if (running) return
      running = true
      try {
        await task()
      } finally {
        running = false
      }
    }
    let timer = this.#after(ms, () => void run())
    return { [Symbol.dispose]: () => this.#timers.delete(timer) }
  }

  /** Timers that are set; 0 when nothing waits for this clock. */
  get pendingCount(): number {
    return this.#timers.size
  }

  /**
   * Lets `ms` pass: fires what falls due, in order of time, and lets what each wakes run on as far as it can before the next. Timers that
   * are set on the way fire too, if they fall due.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#nowMs = next.dueMs
      next.fire()
      await settled()
    }
    this.#nowMs = untilMs
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
