import { type Affine, fitAffine } from './affine-fit.ts'
import { median } from './median.ts'

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
  #affine: Affine | undefined
  #middle: number | undefined

  get count(): number {
    return this.values.length
  }

  /** The median of the values; 0 of none. */
  get middle(): number {
    return (this.#middle ??= median(this.values) ?? 0)
  }

  /** See {@link fitAffine}. */
  get affine(): Affine {
    return (this.#affine ??= fitAffine(this.bytes, this.values))
  }

  push(inputBytes: number, value: number): void {
    this.bytes.push(inputBytes)
    this.logSizes.push(logSize(inputBytes))
    this.values.push(value)
    this.#forgetDerived()
  }

  dropOldest(count: number): void {
    for (const column of [this.bytes, this.logSizes, this.values]) column.splice(0, count)
    this.#forgetDerived()
  }

  #forgetDerived(): void {
    this.#affine = undefined
    this.#middle = undefined
  }
}

/** A size on the scale on which inputs are near or far: 1 kB is as far from 2 kB as 1 MB is from 2 MB, and a size of 0 has a place too. */
export function logSize(inputBytes: number): number {
  return Math.log(1 + inputBytes)
}
