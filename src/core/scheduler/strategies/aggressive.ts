import { fitOf } from '../fit-of.ts'
import type { Strategy } from '../strategy.ts'

/**
 * Packs: `-fit = -(20 - 10^freeCpu - 10^freeMemory) / 18` with the shares that are free with the work on the peer, so the fullest peer that can
 * still have it. Leaves whole machines free, for large work or for none. Best fit is CloudAI's aggressive strategy; the measure of fullness is BestFit
 * v3, from Google's data centres by way of Nomad (see `fitOf`).
 */
export const AGGRESSIVE: Strategy = {
  name: 'aggressive',
  bandRatio: 0,
  queueOrder: 'longest',
  score: ({ cpuLoad, memoryLoad }) => -fitOf(cpuLoad, memoryLoad)
}
