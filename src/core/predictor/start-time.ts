import { Bound } from './bound.ts'
import { RecentMedian } from './recent-median.ts'

/** Starts that nobody has bounded yet take up to so many times as long as expected: an engine that makes a container waits for the disk and its other work. */
const FIRST_UPPER_FACTOR = 2

/** What starting takes, and what it hardly ever exceeds; both go by recent starts, whatever the input was. */
export class StartTime {
  #median = new RecentMedian()
  readonly #bound = new Bound(FIRST_UPPER_FACTOR)

  /** Milliseconds; undefined when there was no start yet. */
  get ms(): number | undefined {
    return this.#median.value
  }

  /** How many times as long all but about one start in twenty take at most; 1 or more. */
  get upperFactor(): number {
    return this.#bound.factor
  }

  /** Takes in a start, in milliseconds of a machine of reference speed. */
  learn(ms: number): void {
    // What was expected before: it is not to be judged by itself.
    if (this.ms !== undefined && this.ms > 0) this.#bound.learn(ms / this.ms)
    this.#median.learn(ms)
  }

  /** One that takes this for a first guess, soon outvoted. */
  heir(): StartTime {
    const heir = new StartTime()
    heir.#median = this.#median.heir()
    return heir
  }
}
