import type { PeerId } from '../../model/ids.ts'
import type { CostMs, Decision, RejectionReason } from '../../model/placement.ts'
import { COST } from './strategies/cost.ts'

/** A part of the cost. */
export type Cause = Exclude<keyof CostMs, 'total'>

/** Why a peer did not get the work. */
export type WhyNot =
  | { readonly type: 'chosen' }
  | {
      readonly type: 'rejected'
      readonly reason: RejectionReason
      readonly needed?: number | undefined
      readonly available?: number | undefined
    }
  /** It would have taken longer; `because` is the part of the cost in which it is behind the chosen one most. */
  | { readonly type: 'slower'; readonly byMs: number; readonly because: Cause }
  /** It was as good as the chosen one, and the draw among equals went the other way. */
  | { readonly type: 'not_drawn'; readonly byMs: number }
  /** It was not among the candidates, or not among those that the decision lists. */
  | { readonly type: 'not_listed' }

const CAUSES: readonly Cause[] = ['network', 'start', 'pull', 'queue', 'run']

/** What a decision says about one peer. */
export function whyNot(decision: Decision, peer: PeerId): WhyNot {
  if (decision.chosen === peer) return { type: 'chosen' }
  const verdict = decision.verdicts.find(verdict => verdict.peer === peer)
  if (verdict === undefined) return { type: 'not_listed' }
  if (!verdict.fits) return { type: 'rejected', reason: verdict.reason, needed: verdict.needed, available: verdict.available }

  let bestMs = Number.POSITIVE_INFINITY
  let chosenCost = verdict.cost
  for (const other of decision.verdicts) {
    if (!other.fits) continue
    bestMs = Math.min(bestMs, other.cost.total)
    if (other.peer === decision.chosen) chosenCost = other.cost
  }
  const byMs = verdict.cost.total - chosenCost.total
  if (verdict.cost.total <= bestMs * (1 + COST.bandRatio)) return { type: 'not_drawn', byMs }
  const behindMs = (cause: Cause): number => verdict.cost[cause] - chosenCost[cause]
  const because = CAUSES.reduce((worst, cause) => (behindMs(cause) > behindMs(worst) ? cause : worst))
  return { type: 'slower', byMs, because }
}
