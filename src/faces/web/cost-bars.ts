import type { Explanation, Invocation, PlacementItem, VerdictItem } from '../../model/rest-invocations.ts'

/** The causes of a cost, in the order in which a call meets them. */
export const COST_TERMS = ['network', 'queue', 'pull', 'start', 'run'] as const

/** One of {@link COST_TERMS}; `other` is what a call took that no term has. */
export type CostTerm = (typeof COST_TERMS)[number] | 'other'

/** One piece of a bar: where it begins and how long it is, in milliseconds. */
export interface Segment {
  readonly term: CostTerm
  readonly fromMs: number
  readonly ms: number
}

/** A cost as pieces one behind the other; terms of nothing are left out. */
export function costSegments(cost: NonNullable<VerdictItem['cost']>): readonly Segment[] {
  // What a short cache adds is time of the run.
  return stacked(COST_TERMS.map(term => [term, cost[term] + (term === 'run' ? (cost.cache ?? 0) : 0)]))
}

/** What a call has really taken, in the same terms. What its worker did not account for (the network, mostly) is `other`. */
export function usageSegments({ usage, totalMs }: Pick<Invocation, 'usage' | 'totalMs'>): readonly Segment[] {
  if (usage === null) return totalMs === null ? [] : stacked([['other', totalMs]])
  const { queueMs, pullMs, startMs, runMs } = usage
  const known = queueMs + pullMs + startMs + runMs
  return stacked([
    ['queue', queueMs],
    ['pull', pullMs],
    ['start', startMs],
    ['run', runMs],
    ['other', Math.max(0, (totalMs ?? known) - known)]
  ])
}

/** The cost of the peer that a placement chose; undefined when it chose none. */
export function chosenCost({ verdicts }: Pick<PlacementItem, 'verdicts'>): VerdictItem['cost'] {
  return verdicts.find(({ chosen }) => chosen)?.cost
}

/**
 * The length that the bars of what a call was expected to take, and took, are drawn against. Never 0: another peer that would be far slower is no part of it.
 */
export function callScaleMs({ predictedMs, actualMs }: Pick<Explanation, 'predictedMs' | 'actualMs'>): number {
  return Math.max(SCALE_MS_MIN, predictedMs ?? 0, actualMs ?? 0)
}

/** The length that the bars of all peers of a placement are drawn against. Never 0. */
export function placementScaleMs({ verdicts }: Pick<PlacementItem, 'verdicts'>): number {
  return Math.max(SCALE_MS_MIN, ...verdicts.map(({ cost }) => cost?.total ?? 0))
}

const SCALE_MS_MIN = 1e-3

/** How far a prediction was from what came: 0.25 is a quarter too long, -0.25 a quarter too short for what really came. */
export function surprise(predictedMs: number, actualMs: number): number {
  return predictedMs === 0 ? 0 : (actualMs - predictedMs) / predictedMs
}

/** How good the predictions of the calls were that have ended and were predicted. */
export interface Accuracy {
  readonly calls: number
  /** The middle of how far the predictions were off, whichever way, as a part of what they said. */
  readonly medianError: number
  /** The part of the calls that were within a quarter of their prediction. */
  readonly within25: number
}

/** The accuracy over `calls`; null when none of them can tell. */
export function accuracy(calls: readonly Invocation[]): Accuracy | null {
  const errors = calls
    .flatMap(({ predictedMs, totalMs, state }) =>
      state !== 'succeeded' || predictedMs === undefined || predictedMs === null || totalMs === null
        ? []
        : [Math.abs(surprise(predictedMs, totalMs))]
    )
    .sort((a, b) => a - b)
  const middle = errors[Math.floor((errors.length - 1) / 2)]
  if (middle === undefined) return null
  return { calls: errors.length, medianError: middle, within25: errors.filter(error => error <= 0.25).length / errors.length }
}

function stacked(parts: readonly (readonly [term: CostTerm, ms: number])[]): readonly Segment[] {
  let fromMs = 0
  return parts.flatMap(([term, ms]) => {
    if (ms <= 0) return []
    const segment = { term, fromMs, ms }
    fromMs += ms
    return [segment]
  })
}
