import type { Clock } from '../../src/model/ports/clock.ts'

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Moves time on; what becomes due happens in its order, before this returns. */
  advance(ms: number): void
  /** How many timers wait. */
  readonly pending: number
}

interface Timer {
  readonly atMs: number
  readonly fire: () => void
}

/** Makes one that starts at 0 ms, on 2026-01-02T03:04:05Z. */
export function createManualClock(): ManualClock {
  const epochMs = Date.parse('2026-01-02T03:04:05.000Z')
  const timers = new Set<Timer>()
  let nowMs = 0
  const at = (delayMs: number, fire: () => void): Timer => {
    const timer = { atMs: nowMs + delayMs, fire }
    timers.add(timer)
    return timer
  }
  const next = (untilMs: number): Timer | undefined =>
    [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]

  return {
    nowMs: () => nowMs,
    timestamp: () => new Date(epochMs + nowMs).toISOString(),
    timeout: ms => {
      const controller = new AbortController()
      at(ms, () => controller.abort(new DOMException('the time is over', 'TimeoutError')))
      return controller.signal
    },
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const timer = at(ms, resolve)
        signal?.addEventListener('abort', () => {
          timers.delete(timer)
          reject(signal.reason as Error)
        })
      }),
    after: (ms, task) => {
      const timer = at(ms, task)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    every: (ms, task) => {
      let timer: Timer
      const again = (): void => {
        timer = at(ms, () => {
          again()
          void task()
        })
      }
      again()
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
    advance: ms => {
      const untilMs = nowMs + ms
      for (let timer = next(untilMs); timer !== undefined; timer = next(untilMs)) {
        timers.delete(timer)
        nowMs = timer.atMs
        timer.fire()
      }
      nowMs = untilMs
    },
    get pending() {
      return timers.size
    }
  }
}
