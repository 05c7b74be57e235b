import { median } from '../median.ts'
import { logSize } from '../window.ts'
import type { Expert } from './expert.ts'

/** Fewer neighbours would let one odd run decide, more would no longer be near. */
const NEIGHBOURS_MIN = 3
const NEIGHBOURS_MAX = 7

/**
 * The median of the nearest samples, each moved to the wanted size along the affine function of all: for what bends. About the root of the
 * number of samples are asked.
 */
export const local: Expert = ({ logSizes, values, bytes, affine: { fixed, perByte } }, inputBytes) => {
  const size = logSize(inputBytes)
  const neighbours = Math.min(NEIGHBOURS_MAX, Math.max(NEIGHBOURS_MIN, Math.round(Math.sqrt(values.length))))
  const nearest: number[] = []
  const distances: number[] = []
  for (let i = values.length - 1; i >= 0; i--) {
    const distance = Math.abs((logSizes[i] ?? 0) - size)
    if (nearest.length === neighbours && distance >= (distances[neighbours - 1] ?? 0)) continue
    let at = Math.min(nearest.length, neighbours - 1)
    for (; at > 0 && distance < (distances[at - 1] ?? 0); at--) {
      distances[at] = distances[at - 1] ?? 0
      nearest[at] = nearest[at - 1] ?? 0
    }
    distances[at] = distance
    nearest[at] = i
  }
  const wanted = fixed + perByte * inputBytes
  for (let k = 0; k < nearest.length; k++) {
    const i = nearest[k] ?? 0
    nearest[k] = ((values[i] ?? 0) * wanted) / (fixed + perByte * (bytes[i] ?? 0) || wanted || 1)
  }
  return median(nearest) ?? 0
}
