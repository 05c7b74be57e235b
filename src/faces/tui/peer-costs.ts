import type { EventItem } from '../../model/rest-events.ts'

/** How much a new cost moves the one that is shown: the last ten or so decide. */
const COST_WEIGHT = 0.2

/** How dear each worker was lately: the predicted costs of what was placed there, newer ones counting more. */
export type PeerCosts = ReadonlyMap<string, number>

/** The costs after these events. */
export function withPlacements(costs: PeerCosts, events: readonly EventItem[]): PeerCosts {
  const placed = events.filter(event => event.type === 'invocation:placed')
  if (placed.length === 0) return costs
  const next = new Map(costs)
  for (const { data } of placed) {
    const before = next.get(data.worker)
    next.set(data.worker, before === undefined ? data.costMs : before + COST_WEIGHT * (data.costMs - before))
  }
  return next
}
