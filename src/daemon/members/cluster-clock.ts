import type { Clock } from '../../model/ports/clock.ts'

/** What clocks may differ by before one is wrong: messages that take seconds on a starved machine must not look like that, and seconds do no harm. */
const WRONG_BY_MS = 10_000
/** How long what was found is used: heartbeats, from which it follows, are not more frequent. */
const FOUND_FOR_MS = 1_000

/**
 * A peer's clock whose wall time is that of most peers of its cluster. What is agreed on has times in it: a task that is submitted through a peer whose
 * clock is days ahead would be kept days longer and never age in its queue, one days behind would pass all others. The median stands as long as most
 * clocks are right (as in Marzullo's algorithm, of which it is the simple case: all sources are trusted alike). Of two clocks that differ, its own
 * counts: nobody can tell which is wrong.
 */
export class ClusterClock implements Clock {
  readonly #clock: Clock
  readonly #skewsMs: () => readonly number[]
  #found = { aheadMs: 0, untilMs: Number.NEGATIVE_INFINITY }

  /** `skewsMs`: how far this peer's wall clock is ahead of that of each other one that is there. */
  constructor(clock: Clock, skewsMs: () => readonly number[]) {
    this.#clock = clock
    this.#skewsMs = skewsMs
  }

  timestamp(): string {
    const own = this.#clock.timestamp()
    const aheadMs = this.#aheadMs()
    return aheadMs === 0 ? own : new Date(Date.parse(own) - aheadMs).toISOString()
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  timeout(ms: number): AbortSignal {
    return this.#clock.timeout(ms)
  }

  async sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void> {
    return this.#clock.sleep(ms, options)
  }

  after(ms: number, task: () => void): Disposable {
    return this.#clock.after(ms, task)
  }

  every(ms: number, task: () => void | Promise<void>): Disposable {
    return this.#clock.every(ms, task)
  }

  #aheadMs(): number {
    const nowMs = this.nowMs()
    if (nowMs >= this.#found.untilMs) {
      const medianMs = medianOf([0, ...this.#skewsMs()])
      this.#found = { aheadMs: Math.abs(medianMs) < WRONG_BY_MS ? 0 : medianMs, untilMs: nowMs + FOUND_FOR_MS }
    }
    return this.#found.aheadMs
  }
}

/** Of an even number of values the middle one that is nearer to 0. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [lower = 0, upper = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return Math.abs(lower) <= Math.abs(upper) ? lower : upper
}
