import type { Strategy } from '../strategy.ts'

/**
 * Everyone in turn, a machine with twice the cores twice as often: the least `turn`, which grows by `1 / cores` with each order
 * (start-time fair queueing, Goyal, Vin and Cheng 1996). A cursor would lose its place as peers come, go and fill up; turns do not.
 */
export const ROUND_ROBIN: Strategy = {
  name: 'round-robin',
  bandRatio: 0,
  score: ({ turn }) => turn
}
