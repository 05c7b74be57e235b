import type { Clock } from '../../model/ports/clock.ts'
import type { World } from '../world.ts'
import type { Process } from './process.ts'

/** How one peer's clock differs from true time. */
export interface ClockError {
  /** Its milliseconds in a true one. */
  readonly rate: number
  /** What it shows at the start of the world. */
  readonly offsetMs: number
}

/** Where the wall clocks of a simulated world start. */
const EPOCH_MS = Date.UTC(2026, 0, 1)
/** Node's timers count whole milliseconds, at least one, and end at 24.8 days. */
const TIMER_MS = { min: 1, max: 2 ** 31 - 1 }

/** The clock of one life of a peer: its timers reach only that life, and wait while it is frozen. */
export class PeerClock implements Clock {
  readonly #world: World
  readonly #process: Process
  readonly #error: ClockError

  constructor(world: World, process: Process, error: ClockError) {
    this.#world = world
    this.#process = process
    this.#error = error
  }

  nowMs(): number {
    return this.#error.offsetMs + this.#world.nowMs * this.#error.rate
  }

  timestamp(): string {
    return new Date(EPOCH_MS + this.nowMs()).toISOString()
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController()
    const forget = this.#world.atEnd(() => controller.abort())
    this.after(ms, () => {
      forget()
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    })
    return controller.signal
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abort = (): void => {
      forget()
      timer[Symbol.dispose]()
      reject(signal?.reason as Error)
    }
    const unlisten = (): void => {
      forget()
      signal?.removeEventListener('abort', abort)
    }
    const timer = this.after(ms, () => {
      unlisten()
      resolve()
    })
    const forget = this.#world.atEnd(unlisten)
    signal?.addEventListener('abort', abort, { once: true })
    return promise
  }

  after(ms: number, task: () => void): Disposable {
    const wholeMs = Math.min(Math.max(TIMER_MS.min, Math.ceil(ms)), TIMER_MS.max)
    const run = (): void => {
      if (!event.isCancelled) task()
    }
    const event = this.#world.after(wholeMs / this.#error.rate, () => this.#process.enter(run))
    return {
      [Symbol.dispose]: () => {
        event.isCancelled = true
      }
    }
  }

  every(ms: number, task: () => void | Promise<void>): Disposable {
    let running = false
    const run = async (): Promise<void> => {
      timer = this.after(ms, () => void run())
      if (running) return
      running = true
      try {
        await task()
      } finally {
        running = false
      }
    }
    let timer = this.after(ms, () => void run())
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
  }
}
