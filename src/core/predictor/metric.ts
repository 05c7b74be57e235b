import type { Expert, Sample } from './experts/expert.ts'

/** Samples that an estimate rests on. More would make it slower to follow a function that changes, for little more precision. */
export const SAMPLES_MAX = 32

/** Samples that are kept across a new image: a start, soon outvoted. */
const SAMPLES_KEPT_BY_NEW_IMAGE = 3

/** The recent history of one metric of one function, and how it is read. */
export class Metric {
  readonly #expert: Expert
  #samples: Sample[] = []

  constructor(expert: Expert) {
    this.#expert = expert
  }

  /** At most {@link SAMPLES_MAX}. */
  get count(): number {
    return this.#samples.length
  }

  learn(sample: Sample): void {
    if (this.#samples.length === SAMPLES_MAX) this.#samples.shift()
    this.#samples.push(sample)
  }

  /** Undefined before the first sample. */
  predict(inputBytes: number): number | undefined {
    return this.#expert(this.#samples, inputBytes)
  }

  /** The function has another image: what was learned is little more than a guess. */
  fade(): void {
    this.#samples = this.#samples.slice(-SAMPLES_KEPT_BY_NEW_IMAGE)
  }
}
