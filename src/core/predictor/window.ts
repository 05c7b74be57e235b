import { type Affine, fitAffine } from './affine-fit.ts'
import { Ranked } from './sorted-window.ts'

/** Samples that an estimate rests on. More would make it slower to follow a function that changes, for little more precision. */
export const SAMPLES_MAX = 64

/**
 * The recent samples of one metric of one function, oldest first: parallel arrays, as ten thousand functions may have some. What experts derive
 * from all of them is worked out once for each state.
 */
export class Window {
  readonly bytes: number[] = []
  /** {@link logSize} of the bytes. */
  readonly logSizes: number[] = []
  /** Above 0. */
  readonly values: number[] = []
  /** The {@link logSizes} in ascending order. */
  readonly rankedSizes = new Ranked()
  #affine: Affine | undefined
  readonly #ranked = new Ranked()

  get count(): number {
    return this.values.length
  }

  /** The median of the values; 0 of none. */
  get middle(): number {
    return this.#ranked.median ?? 0
  }

  /** The least value; 0 of none. */
  get least(): number {
    return this.#ranked.at(0) ?? 0
  }

  /** The largest value; 0 of none. */
  get most(): number {
    return this.#ranked.most ?? 0
  }

  /** See {@link fitAffine}. */
  get affine(): Affine {
    return (this.#affine ??= fitAffine(this.bytes, this.values))
  }

  /** Adds a sample; the oldest goes when there are {@link SAMPLES_MAX}. */
  push(inputBytes: number, value: number): void {
    const size = logSize(inputBytes)
    if (this.count === SAMPLES_MAX) {
      this.#ranked.replace(this.values.shift() ?? value, value)
      this.rankedSizes.replace(this.logSizes.shift() ?? size, size)
      this.bytes.shift()
    } else {
      this.#ranked.add(value)
      this.rankedSizes.add(size)
    }
    this.bytes.push(inputBytes)
    this.logSizes.push(size)
    this.values.push(value)
    this.#affine = undefined
  }

  /** For changes, which are rare: takes time for each sample that stays. */
  dropOldest(count: number): void {
    for (const column of [this.bytes, this.logSizes, this.values]) column.splice(0, count)
    this.#ranked.clear()
    this.rankedSizes.clear()
    for (const value of this.values) this.#ranked.add(value)
    for (const size of this.logSizes) this.rankedSizes.add(size)
    this.#affine = undefined
  }
}

/** A size on the scale on which inputs are near or far: 1 kB is as far from 2 kB as 1 MB is from 2 MB, and a size of 0 has a place too. */
export function logSize(inputBytes: number): number {
  return Math.log(1 + inputBytes)
}
