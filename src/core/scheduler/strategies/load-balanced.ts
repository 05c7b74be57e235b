import type { Strategy } from '../strategy.ts'

/** Decides only between loads that are the same. */
const TIE_WEIGHT = 1e-6

/**
 * `max(load of cores, load of memory) + 1e-6 · share of the cores` with the work on the peer: the fullest resource is what delays first. List
 * scheduling on the least loaded machine (Graham 1966), with the dominant share of a machine for its load (Ghodsi et al. 2011, Dominant Resource
 * Fairness). Of peers that would be as full, the one whose load rises least, so the larger machine: the variance over the cluster rises least with it.
 */
export const LOAD_BALANCED: Strategy = {
  name: 'load-balanced',
  bandRatio: 0,
  score: ({ cpuLoad, memoryLoad, cpuShare }) => Math.max(cpuLoad, memoryLoad) + TIE_WEIGHT * cpuShare
}
