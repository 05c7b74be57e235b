import type { Objective } from '../../../model/placement.ts'
import type { Strategy } from '../strategy.ts'

/** Of free machines, so that a product with it still tells them apart. */
const USD_MIN = 1e-9

/** Of the cores: less counts as this much. */
const SHARE_MIN = 1e-3

/** `time^alpha · money^beta`, written without powers, which take as long as everything else. */
const WEIGHTED: Readonly<Record<Objective, (ms: number, usd: number) => number>> = {
  latency: ms => ms,
  balanced: (ms, usd) => ms * Math.sqrt(usd),
  cheap: (ms, usd) => Math.sqrt(ms) * usd
}

/**
 * `J = (ECT · X)^alpha · (USD · X)^beta`, of the expected time to the answer (ECT), the expected price of the work (USD), and what the work takes from
 * others: X is by what factor everyone's time becomes longer on that machine, 1 while it has a core for each and 2 at most (`crowdingOf`). (alpha,
 * beta) is (1, 0) for `latency`, (1, 0.5) for `balanced`, (0.5, 1) for `cheap`. A product needs no common unit and no scale, and does not depend on
 * who else is a candidate. Where prices are the same, or any is not stated, only time and others decide, `ECT · X`: money would but count the time
 * twice.
 *
 * Without X the cheapest machines fill up until they are neither quick nor cheap: who is there already is delayed, and pays for that. With it, the
 * time and the money are those of everyone. Measured against a factor of the load alone, on a trace of a public cloud at half load with prices
 * from 1 to 4 times and ten seeds that took no part in the choice: `cheap` saves 31 % of the money of least-loaded instead of 28 %, with a mean
 * slowdown of 1.43 instead of 1.52; `balanced` is as it was (25 %, 1.40; seeds differ by far more). With equal prices the slowdown is 1.09
 * instead of 1.12.
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
    score: ({ field, totalMs, usd, cpuLoad, cpuShare }) => {
      const crowding = crowdingOf(cpuLoad, cpuShare)
      const ms = totalMs * crowding
      return field.pricesDiffer ? weighted(ms, Math.max(USD_MIN, usd) * crowding) : ms
    }
  }
}

/**
 * By what factor everyone's time is longer than the own: 1 while there is a core for each. Where cores are shared, work of w that wants a share s of
 * cores with a load L afterwards takes w · L itself, and meanwhile takes up to w · (L − s) from the others: all of that once s is what is too much,
 * less where only a part of it is. So it is 2 at most.
 */
function crowdingOf(cpuLoad: number, cpuShare: number): number {
  if (cpuLoad <= 1) return 1
  const tooMuch = Math.min(1, (cpuLoad - 1) / Math.max(SHARE_MIN, cpuShare))
  return 1 + (tooMuch * Math.max(0, cpuLoad - cpuShare)) / cpuLoad
}

/** The default of all strategies: {@link costStrategy} for time and money. */
export const COST: Strategy = costStrategy('balanced')
