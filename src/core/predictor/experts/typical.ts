import type { Expert } from './expert.ts'

/** The median of all samples: for what does not depend on the input. */
export const typical: Expert = ({ middle }) => middle
