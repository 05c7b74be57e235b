import type { Objective, StrategyName } from '../../../model/placement.ts'
import type { Strategy } from '../strategy.ts'
import { AGGRESSIVE } from './aggressive.ts'
import { BALANCED } from './balanced.ts'
import { COST, costStrategy } from './cost.ts'
import { GREEDY } from './greedy.ts'
import { LOAD_BALANCED } from './load-balanced.ts'
import { MULTI_OBJECTIVE } from './multi-objective.ts'
import { PREDICTIVE } from './predictive.ts'
import { ROUND_ROBIN } from './round-robin.ts'

/** Every strategy by its name. */
export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  cost: COST,
  greedy: GREEDY,
  'round-robin': ROUND_ROBIN,
  balanced: BALANCED,
  'load-balanced': LOAD_BALANCED,
  aggressive: AGGRESSIVE,
  predictive: PREDICTIVE,
  'multi-objective': MULTI_OBJECTIVE
}

/** `cost` for each objective, made once: one is looked up for every call. */
const COST_FOR: Readonly<Record<Objective, Strategy>> = { latency: costStrategy('latency'), balanced: COST, cheap: costStrategy('cheap') }

/** The strategy that somebody asked for; `fallback` where they left it open. */
export function strategyFor(
  { strategy, objective }: { readonly strategy?: StrategyName | undefined; readonly objective?: Objective | undefined },
  fallback: Strategy = COST
): Strategy {
  const chosen = strategy === undefined ? fallback : STRATEGIES[strategy]
  return objective === undefined || chosen.name !== 'cost' || chosen.objective === objective ? chosen : COST_FOR[objective]
}
