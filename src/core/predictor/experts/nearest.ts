import { median } from '../median.ts'
import type { Expert } from './expert.ts'

/** Inputs whose sizes differ by less than the half of a doubling count as equally near. */
const EQUALLY_NEAR_DOUBLINGS = 0.5

/**
 * The median of the samples whose input was about as large, or, if none was, of those that come nearest (the closest match of LARS, made
 * steadier). Distance is in doublings of the size: 1 kB is as far from 2 kB as 1 MB is from 2 MB.
 */
export const nearest: Expert = (samples, inputBytes) => {
  const distances = samples.map(sample => Math.abs(Math.log2((1 + sample.inputBytes) / (1 + inputBytes))))
  const limit = Math.min(...distances) + EQUALLY_NEAR_DOUBLINGS
  return median(samples.filter((_, i) => (distances[i] ?? 0) <= limit).map(({ value }) => value))
}
