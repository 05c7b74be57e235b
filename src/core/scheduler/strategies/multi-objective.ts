import { fitOf } from '../fit-of.ts'
import type { Strategy } from '../strategy.ts'

/**
 * A weighted sum of three aims (a linear scalarisation), each from 0 to about 1: `0.45 · (1 - fit) + 0.25 · (1 - best time / time) + 0.20 · max(load
 * of cores, load of memory)`. The first packs (see `fitOf`), the second is quick, the third keeps away from full machines. The weights are CloudAI's; its other
 * 0.10, against starvation, is the same on every peer and so decides nothing here.
 */
export const MULTI_OBJECTIVE: Strategy = {
  name: 'multi-objective',
  bandRatio: 0,
  queueOrder: 'batch',
  score: ({ totalMs, cpuLoad, memoryLoad, field }) =>
    0.45 * (1 - fitOf(cpuLoad, memoryLoad)) + 0.25 * (1 - (totalMs > 0 ? field.bestMs / totalMs : 1)) + 0.2 * Math.max(cpuLoad, memoryLoad)
}
