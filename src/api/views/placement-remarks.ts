import type { Objective, Verdict } from '../../model/placement.ts'
import { whyNoPrices } from '../../model/price.ts'
import type { Quoted } from '../../model/service.ts'
import type { PeerRef } from './names.ts'

/** What a placement by a strategy that knows of money made of prices, where that is not what people may expect: see `costStrategy`. */
export function priceRemarks(
  { strategy, objective, verdicts }: { strategy: string; objective: Objective | undefined; verdicts: readonly Verdict[] },
  name: (id: string) => PeerRef
): string[] {
  if (strategy !== 'cost' || objective === 'latency') return []
  const prices = verdicts.flatMap(verdict =>
    verdict.fits && verdict.terms !== undefined ? [{ name: name(verdict.peer).name, usdPerHour: verdict.terms.usdPerHour }] : []
  )
  // Who states no price anywhere does not expect prices to count.
  return prices.every(({ usdPerHour }) => usdPerHour === 0) ? [] : [whyNoPrices(prices) ?? []].flat()
}

/** What to know of a quote beside its numbers. */
export function quoteRemarks(quoted: Quoted, name: (id: string) => PeerRef): string[] {
  const { strategy, objective, decision, estimate, limitSamples = 0, isForeseeable } = quoted
  const fitting = decision.verdicts.filter(({ fits }) => fits).length
  return [
    ...priceRemarks({ strategy, objective, verdicts: decision.verdicts }, name),
    ...(estimate.samples < limitSamples ? [`limit not applied yet: fewer than ${limitSamples} runs are known`] : []),
    ...(isForeseeable || fitting < 2 ? [] : [`${strategy}: not foreseeable here, as only the orchestrator knows whose turn it is`])
  ]
}
