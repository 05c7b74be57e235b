import { median } from './median.ts'

/** Enough to hide odd ones, few enough to follow a change. */
const VALUES_MAX = 32

/** The median of recent values, for what does not depend on the input: times of starts. */
export class RecentMedian {
  readonly #values: number[] = []
  #middle: number | undefined

  /** Undefined of none. */
  get value(): number | undefined {
    return this.#middle
  }

  learn(value: number): void {
    if (this.#values.length === VALUES_MAX) this.#values.shift()
    this.#values.push(value)
    this.#middle = median(this.#values)
  }

  /** The present median as a first value, soon outvoted. */
  heir(): RecentMedian {
    const heir = new RecentMedian()
    if (this.#middle !== undefined) heir.learn(this.#middle)
    return heir
  }
}
