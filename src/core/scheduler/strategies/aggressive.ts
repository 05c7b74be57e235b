import type { Strategy } from '../strategy.ts'
import { fitOf } from './best-fit.ts'

/** Packs: the fullest peer that can still have the work, by `-fit` (see `fitOf`). Leaves whole machines free, for large work or for none. */
export const AGGRESSIVE: Strategy = {
  name: 'aggressive',
  bandRatio: 0,
  queueOrder: 'longest',
  score: ({ cpuLoad, memoryLoad }) => -fitOf(cpuLoad, memoryLoad)
}
