/** A fixed part, and a part for each byte of input. Neither is below 0. */
export interface Affine {
  readonly fixed: number
  readonly perByte: number
}

/** Below this share of its largest possible value the determinant is rounding error: the sizes are all the same. */
const DETERMINANT_RATIO_MIN = 1e-12

/**
 * The non-negative affine function of the input size that fits best by *relative* error: least squares of `(fixed + perByte·x − y) / y`, in
 * closed form. Relative, because a run of 10 s that is off by 1 s matters as little as one of 10 ms that is off by 1 ms.
 *
 * @param values above 0; as many as `bytes`
 */
export function fitAffine(bytes: readonly number[], values: readonly number[]): Affine {
  let one = 0
  let x = 0
  let xx = 0
  let y = 0
  let xy = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 1
    const size = bytes[i] ?? 0
    const weight = 1 / (value * value)
    one += weight
    x += weight * size
    xx += weight * size * size
    y += weight * value
    xy += weight * value * size
  }
  if (one === 0) return { fixed: 0, perByte: 0 }
  const determinant = one * xx - x * x
  const perByte = (one * xy - y * x) / determinant
  if (determinant <= DETERMINANT_RATIO_MIN * one * xx || perByte < 0) return { fixed: y / one, perByte: 0 }
  const fixed = (y * xx - xy * x) / determinant
  return fixed < 0 ? { fixed: 0, perByte: xy / xx } : { fixed, perByte }
}
