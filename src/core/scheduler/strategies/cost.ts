import type { Objective } from '../../../model/placement.ts'
import type { Strategy } from '../strategy.ts'

/** Of free machines, so that a product with it still tells them apart. */
const USD_MIN = 1e-9

/** `time^alpha · money^beta`, written without powers, which take as long as everything else. */
const WEIGHTED: Readonly<Record<Objective, (ms: number, usd: number) => number>> = {
  latency: ms => ms,
  balanced: (ms, usd) => ms * Math.sqrt(usd),
  cheap: (ms, usd) => Math.sqrt(ms) * usd
}

/**
 * `J = ECT^alpha · USD^beta · max(1, L)`, of the expected time to the answer, the expected price of the work, and the load of the cores with the
 * work on the peer: (alpha, beta) is (1, 0) for `latency`, (1, 0.5) for `balanced`, (0.5, 1) for `cheap`. A product needs no common unit and no
 * scale, and does not depend on who else is a candidate. Where prices are the same, or any is not stated, only time and load decide: money would
 * but count the time twice.
 *
 * The load stands for the others: where cores are shared, work delays those that are there already about as much as they delay it, and they pay
 * for that. Without it the cheapest machines fill up until they are neither quick nor cheap (measured on a trace of a public cloud at half load,
 * prices from 1 to 4 times, with seeds that took no part in the choice: 27 % of the money of least-loaded saved instead of 22 %, with a mean
 * slowdown of 1.45 instead of 1.55).
 *
 * The band is 5 %: estimates are not better than that, and a draw among equals keeps placers that do not see each other from all running to
 * the same peer (measured with 60 of them: slowdown 4.4 without, 2.3 with the band).
 */
export function costStrategy(objective: Objective): Strategy {
  const weighted = WEIGHTED[objective]
  return {
    name: 'cost',
    objective,
    bandRatio: 0.05,
    score: ({ field, totalMs, usd, cpuLoad }) =>
      (field.pricesDiffer ? weighted(totalMs, Math.max(USD_MIN, usd)) : totalMs) * Math.max(1, cpuLoad)
  }
}

/** The default of all strategies: {@link costStrategy} for time and money. */
export const COST: Strategy = costStrategy('balanced')
