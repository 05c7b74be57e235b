import type { CallPolicy, PlacementPolicy } from './function.ts'

/**
 * The placement policy of a function combined with what one of its calls or tasks asks. That can only narrow the choice: the lower of both budgets
 * holds, and the label constraints of both. Only the strategy `cost` has objectives, so whoever names one is placed by `cost`, whatever strategy the
 * function names.
 */
export function narrowedPolicy(
  own: PlacementPolicy | undefined,
  asked: (PlacementPolicy & CallPolicy) | undefined
): PlacementPolicy | undefined {
  if (asked === undefined) return own
  const { strategy, objective, maxCostUsd, require = [] } = asked
  const budgets = [maxCostUsd, own?.maxCostUsd].filter(usd => usd !== undefined)
  const labels = [...new Set([...(own?.require ?? []), ...require])]
  return {
    ...(strategy === undefined && objective === undefined ? aimOf(own) : { strategy: strategy ?? 'cost' }),
    ...(objective === undefined ? {} : { objective }),
    ...(budgets.length === 0 ? {} : { maxCostUsd: Math.min(...budgets) }),
    ...(labels.length === 0 ? {} : { require: labels })
  }
}

function aimOf({ strategy, objective }: PlacementPolicy = {}): PlacementPolicy {
  return { ...(strategy === undefined ? {} : { strategy }), ...(objective === undefined ? {} : { objective }) }
}
