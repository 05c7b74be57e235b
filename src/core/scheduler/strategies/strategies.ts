import type { StrategyName } from '../../../model/placement.ts'
import type { Strategy } from '../strategy.ts'
import { AGGRESSIVE } from './aggressive.ts'
import { BALANCED } from './balanced.ts'
import { COST } from './cost.ts'
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
