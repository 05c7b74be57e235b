import { median } from '../median.ts'
import type { Expert } from './expert.ts'

/** The median of all samples: for what does not depend on the input. */
export const typical: Expert = samples => median(samples.map(({ value }) => value))
