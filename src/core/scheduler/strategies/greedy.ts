import type { Strategy } from '../strategy.ts'

/**
 * First fit: the least `hash(peer id)`, so the first peer, in an order that is always the same, that can have the work. Fills one machine before it touches the
 * next, so the others can sleep; for one resource and equal machines it needs at most 1.7 times as many as the best packing (Johnson et al. 1974).
 *
 * The order is that of the ids' hashes: ids that were made alike, or by the same person, do not come together.
 */
export const GREEDY: Strategy = {
  name: 'greedy',
  bandRatio: 0,
  score: ({ place }) => place
}
