import type { Metric } from '../../src/core/predictor/metric.ts'

/** One execution, of one metric. */
export interface Run {
  readonly function: string
  readonly inputBytes: number
  readonly value: number
}

/** How good predictions were that rest on so many samples. Shares, not per cent. */
export interface Accuracy {
  readonly samples: string
  readonly predictions: number
  /** Median and 90th percentile of `|predicted - actual| / actual`. */
  readonly medianError: number
  readonly p90Error: number
  /** Share of executions above their upper bound. */
  readonly misses: number
  /** Mean ratio of the upper bound to what it was for. */
  readonly allocated: number
}

/** Bins by samples seen before. */
const BINS: readonly (readonly [label: string, from: number, to: number])[] = [
  ['1', 1, 1],
  ['2', 2, 2],
  ['3-5', 3, 5],
  ['6-10', 6, 10],
  ['11-20', 11, 20],
  ['21+', 21, Number.POSITIVE_INFINITY],
  ['all', 1, Number.POSITIVE_INFINITY]
]

/** Predicts each run from the ones before it, in order, then learns it (prequential evaluation: nothing is predicted from itself). */
export function evaluate(runs: readonly Run[], createMetric: () => Metric): Accuracy[] {
  const metrics = new Map<string, Metric>()
  const seen = new Map<string, number>()
  const outcomes: { samples: number; error: number; bound: number }[] = []
  for (const { function: name, inputBytes, value } of runs) {
    const metric = metrics.get(name) ?? createMetric()
    metrics.set(name, metric)
    const samples = seen.get(name) ?? 0
    const predicted = metric.predict(inputBytes)
    if (predicted !== undefined) {
      outcomes.push({ samples, error: Math.abs(predicted - value) / value, bound: (predicted * metric.upperFactor) / value })
    }
    metric.learn(inputBytes, value)
    seen.set(name, samples + 1)
  }
  return BINS.map(([label, from, to]): Accuracy => {
    const some = outcomes.filter(({ samples }) => samples >= from && samples <= to)
    const errors = some.map(({ error }) => error).sort((a, b) => a - b)
    return {
      samples: label,
      predictions: some.length,
      medianError: quantile(errors, 0.5),
      p90Error: quantile(errors, 0.9),
      misses: some.filter(({ bound }) => bound < 1).length / some.length,
      allocated: some.reduce((sum, { bound }) => sum + bound, 0) / some.length
    }
  })
}

/**
 * The median error that is left when a run is predicted by the median of other runs whose input was as large: noise that no predictor by
 * input size can get below. Sizes count as the same within `tolerance`, a share.
 */
export function sameInputFloor(runs: readonly Run[], tolerance: number): number {
  const errors = runs.flatMap(run => {
    const alike = runs
      .filter(other => other !== run && other.function === run.function && isNear(other.inputBytes, run.inputBytes, tolerance))
      .map(({ value }) => value)
      .sort((a, b) => a - b)
    return alike.length < ALIKE_MIN ? [] : [Math.abs(quantile(alike, 0.5) - run.value) / run.value]
  })
  return quantile(
    errors.sort((a, b) => a - b),
    0.5
  )
}

/** Fewer runs of one size make no median. */
const ALIKE_MIN = 2

function isNear(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(a, b)
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
