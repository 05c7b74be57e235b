import { logSize, type Window } from '../window.ts'

/** How far the logarithms of values lie from the line, typically. */
const NOISE = 0.25

/** How far slopes of functions lie from what is assumed of them, typically. */
const SLOPE_SPREAD = 0.35

/**
 * A power law through the middle of the samples, its exponent drawn towards an assumed one as long as they are too few to say better: for the
 * first two. (The posterior mean of the slope under normal noise and a normal prior.)
 */
export function line({ logSizes, values }: Window, inputBytes: number, assumedSlope: number): number {
  const count = values.length
  const meanSize = logSizes.reduce((sum, size) => sum + size, 0) / count
  const meanLog = values.reduce((sum, value) => sum + Math.log(value), 0) / count
  let xy = 0
  let xx = 0
  for (let i = 0; i < count; i++) {
    const x = (logSizes[i] ?? 0) - meanSize
    xy += x * (Math.log(values[i] ?? 1) - meanLog)
    xx += x * x
  }
  const slope = (xy / NOISE ** 2 + assumedSlope / SLOPE_SPREAD ** 2) / (xx / NOISE ** 2 + 1 / SLOPE_SPREAD ** 2)
  return Math.exp(meanLog + slope * (logSize(inputBytes) - meanSize))
}
