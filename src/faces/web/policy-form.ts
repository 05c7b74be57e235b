import type { PlacementPolicy } from '../../model/function.ts'
import type { Objective, StrategyName } from '../../model/placement.ts'
import { optional, parseNumber } from './form-values.ts'

/** What a form says of how workers are chosen; an empty text says nothing. */
export interface PolicyFields {
  readonly strategy: '' | StrategyName
  readonly objective: '' | Objective
  /** US dollars. */
  readonly maxCost: string
  /** Labels as `cares upload --require` has them, with commas between. */
  readonly require: string
}

/** Nothing is said. */
export const EMPTY_POLICY: PolicyFields = { strategy: '', objective: '', maxCost: '', require: '' }

/** The fields that say the same as a policy. */
export function policyFieldsOf({ strategy, objective, maxCostUsd, require = [] }: PlacementPolicy = {}): PolicyFields {
  return {
    strategy: strategy ?? '',
    objective: objective ?? '',
    maxCost: maxCostUsd === undefined ? '' : String(maxCostUsd),
    require: require.join(', ')
  }
}

/** What the fields ask for; undefined when that is nothing. Throws `invalid` for a cost that is no number. */
export function policyOf({ strategy, objective, maxCost, require }: PolicyFields): PlacementPolicy | undefined {
  const labels = require.split(',').flatMap(label => label.trim() || [])
  const policy = {
    ...(strategy === '' ? {} : { strategy }),
    ...(objective === '' ? {} : { objective }),
    ...optional('maxCostUsd', maxCost, parseNumber),
    ...(labels.length === 0 ? {} : { require: labels })
  }
  return Object.keys(policy).length === 0 ? undefined : policy
}
