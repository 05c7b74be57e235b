import type { Expert, Sample } from './experts/expert.ts'

/** Samples that an estimate rests on. More would make it slower to follow a function that changes, for little more precision. */
export const SAMPLES_MAX = 32

/** Samples of another image that count: a first guess, soon outvoted, and too few to refuse the new image anything for the old one's sake. */
export const SAMPLES_OF_OTHER_IMAGE_MAX = 2

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
    this.#samples = this.#samples.slice(-SAMPLES_OF_OTHER_IMAGE_MAX)
  }
}
