import type { Strategy } from '../strategy.ts'

/**
 * The earliest finish: `EFT = network + start + pull + queue + run`, the rule by which HEFT places (Topcuoglu et al. 2002), without a band
 * and whatever the price. For work that is to be done as soon as possible as a whole. With one placer that keeps a ledger 1 to 2 % quicker
 * than `cost`; with several that do not see each other, worse, as all choose the same peer.
 */
export const PREDICTIVE: Strategy = {
  name: 'predictive',
  bandRatio: 0,
  queueOrder: 'longest',
  score: ({ totalMs }) => totalMs
}
