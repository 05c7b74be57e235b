import type { Window } from '../window.ts'

/**
 * One way to predict a metric for an input size from what it was before. Pure; each expert has its own file. The window has at least one
 * sample. None is best for every function, so the metric lets them compete.
 */
export type Expert = (window: Window, inputBytes: number) => number
