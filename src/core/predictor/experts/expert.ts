/** What one execution took, of one metric. */
export interface Sample {
  readonly inputBytes: number
  readonly value: number
}

/**
 * One way to predict a metric from what it was before. Pure. `samples` are oldest first; undefined when they say nothing. Each expert has its
 * own file.
 */
export type Expert = (samples: readonly Sample[], inputBytes: number) => number | undefined
