import type { Strategy } from '../strategy.ts'

/**
 * `0.5 · mean + 0.5 · distance` of the loads of cores and memory with the work on the peer: little used, and evenly, so that neither is left
 * over without the other. In the spirit of BalancedAllocation of Kubernetes, but with the distance for its standard deviation: of two numbers
 * that is half of their distance, and mean and half the distance make the larger of the two, which is what `load-balanced` goes by.
 */
export const BALANCED: Strategy = {
  name: 'balanced',
  bandRatio: 0.05,
  score: ({ cpuLoad, memoryLoad }) => 0.5 * ((cpuLoad + memoryLoad) / 2) + 0.5 * Math.abs(cpuLoad - memoryLoad)
}
