import type { PeerId } from '../../model/ids.ts'
import { type Decision, type Objective, type Receipt, STRATEGY_NAMES, type StrategyName, type Verdict } from '../../model/placement.ts'
import type { Field } from './strategy.ts'
import { strategyFor } from './strategies/strategies.ts'

type Fitting = Extract<Verdict, { fits: true }>

/** What the numbers of a receipt come to when they are worked out again. */
export interface Recomputed {
  /** By peer, the score. */
  readonly scores: ReadonlyMap<PeerId, number>
  /** Those that count as equally good: the chosen one must be among them. */
  readonly best: ReadonlySet<PeerId>
}

/**
 * Works out a decision again from its receipt: the score of each peer from the numbers that the receipt keeps of it, and who is among the best.
 * Undefined for a receipt that does not keep them: an older peer made it, or it left some peers out that fitted.
 */
export function recompute({ verdicts }: Decision, strategy: StrategyName, objective?: Objective): Recomputed | undefined {
  const fitting = verdicts.filter(
    (verdict): verdict is Fitting & { terms: NonNullable<Fitting['terms']> } => verdict.fits && verdict.terms !== undefined
  )
  if (fitting.length !== verdicts.filter(({ fits }) => fits).length) return undefined
  const chosen = strategyFor({ strategy, objective })
  const field = fieldOf(fitting.map(({ cost, terms }) => ({ totalMs: cost.total, ...terms })))
  const scores = new Map(
    fitting.map(({ peer, cost, terms }) => [
      peer,
      chosen.score({ ...terms, field, totalMs: cost.total, occupiedMs: cost.total - cost.network })
    ])
  )
  const least = Math.min(...scores.values())
  const limit = least + Math.abs(least) * chosen.bandRatio
  return { scores, best: new Set([...scores].filter(([, each]) => each <= limit).map(([peer]) => peer)) }
}

/** Whether the numbers of a receipt come to its decision. Null: it does not hold them, or this peer does not know its strategy. */
export function recomputes({ strategy, objective, decision }: Pick<Receipt, 'strategy' | 'objective' | 'decision'>): boolean | null {
  const name = STRATEGY_NAMES.find(each => each === strategy)
  const again = name === undefined ? undefined : recompute(decision, name, objective)
  if (again === undefined) return null
  return decision.chosen === null ? again.best.size === 0 : again.best.has(decision.chosen)
}

function fieldOf(fitting: readonly { totalMs: number; usdPerHour: number }[]): Field {
  const prices = fitting.map(({ usdPerHour }) => usdPerHour)
  return {
    bestMs: Math.min(...fitting.map(({ totalMs }) => totalMs)),
    pricesDiffer: Math.min(...prices) > 0 && Math.min(...prices) < Math.max(...prices)
  }
}
