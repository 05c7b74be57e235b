import type { Objective } from '../../../model/placement.ts'
import type { Candidate, Strategy } from '../strategy.ts'

/** What an hour's price is divided by. */
const MS_PER_HOUR = 3_600_000

/** Of free machines, so that a product with it still tells them apart. */
const USD_MIN = 1e-9

/** `time^alpha · money^beta`, written without powers, which take as long as everything else. */
const WEIGHTED: Readonly<Record<Objective, (ms: number, usd: number) => number>> = {
  latency: ms => ms,
  balanced: (ms, usd) => ms * Math.sqrt(usd),
  cheap: (ms, usd) => Math.sqrt(ms) * usd
}

/**
 * `J = ECT^alpha · USD^beta`, of the expected time to the answer and the expected price of the work: (1, 0) for `latency`, (1, 0.5) for
 * `balanced`, (0.5, 1) for `cheap`. A product needs no common unit and no scale, and does not depend on who else is a candidate. Where prices
 * are the same, or any is not stated, only the time decides: money would but count the time twice.
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
    score: candidate => (candidate.field.pricesDiffer ? weighted(candidate.totalMs, priceUsd(candidate)) : candidate.totalMs)
  }
}

/** The default of all strategies: {@link costStrategy} for time and money. */
export const COST: Strategy = costStrategy('balanced')

/** The machine's price for the time that the work occupies, for the share that it takes of the scarcer of cores and memory. */
function priceUsd({ request, table, slot, occupiedMs }: Candidate): number {
  const { columns } = table
  const share = Math.max(request.cpus / (columns.cpus[slot] || 1), request.memoryBytes / (columns.memoryBytes[slot] || 1))
  return Math.max(USD_MIN, ((columns.usdPerHour[slot] ?? 0) / MS_PER_HOUR) * share * occupiedMs)
}
