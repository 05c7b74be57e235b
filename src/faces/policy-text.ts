import type { PlacementPolicy } from '../model/function.ts'
import { formatUsd } from '../model/units.ts'

/** How workers are to be chosen, in words; empty where nothing is said. */
export function policyText({ strategy, objective, maxCostUsd, require = [] }: PlacementPolicy): string {
  return [
    strategy ?? [],
    objective === undefined ? [] : `for ${objective}`,
    maxCostUsd === undefined ? [] : `at most ${formatUsd(maxCostUsd)}`,
    require.length === 0 ? [] : `on peers with ${require.join(', ')}`
  ]
    .flat()
    .join(', ')
}
