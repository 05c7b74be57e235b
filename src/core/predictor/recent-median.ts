import { SortedWindow } from './sorted-window.ts'

/** Enough to hide odd ones, few enough to follow a change. */
const VALUES_MAX = 32

/** The median of recent values, for what does not depend on the input: times of starts. */
export class RecentMedian {
  readonly #values = new SortedWindow(VALUES_MAX)

  /** Undefined of none. */
  get value(): number | undefined {
    return this.#values.median
  }

  learn(value: number): void {
    this.#values.push(value)
  }

  /** The present median as a first value, soon outvoted. */
  heir(): RecentMedian {
    const heir = new RecentMedian()
    if (this.value !== undefined) heir.learn(this.value)
    return heir
  }
}
