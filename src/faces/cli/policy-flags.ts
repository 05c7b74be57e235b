import { defined } from '../../model/defined.ts'
import type { CallPolicy } from '../../model/function.ts'
import { OBJECTIVES, type Objective } from '../../model/placement.ts'
import type { OptionSpec } from './command.ts'
import { parseLabel, parsePositive } from './flags.ts'

/** What the flags of {@link policyFlags} come to. */
export interface PolicyOptions {
  readonly objective?: Objective
  readonly maxCost?: number
  readonly require?: readonly string[]
}

/** What the cost of a call depends on beside its size. */
export const PARAMS_FLAG: OptionSpec = {
  flags: '--params <TEXT>',
  description: 'declared parameters, as the header x-cares-params says them: calls with the same are taken for more alike'
}

/** The flags by which one call or task says how its worker is to be chosen, beside what its function says. */
export function policyFlags(what: 'call' | 'task'): readonly OptionSpec[] {
  const dear = what === 'call' ? 'refuse it where it is expected to cost more' : 'wait where it is expected to cost more'
  return [
    { flags: '--objective <AIM>', description: `place this ${what} by the strategy cost with this aim`, choices: OBJECTIVES },
    { flags: '--max-cost <USD>', description: `${dear}, e.g. 0.001; once 3 runs are known`, parse: parsePositive },
    {
      flags: '--require <LABEL>',
      description: 'only workers with this label, too: zone=eu, zone!=us, gpu',
      repeats: true,
      parse: parseLabel
    }
  ]
}

/** The same as the API has it. Absent: nothing was asked. */
export function policyOf({ objective, maxCost, require }: PolicyOptions): CallPolicy | undefined {
  if (objective === undefined && maxCost === undefined && require === undefined) return undefined
  return defined({ objective, maxCostUsd: maxCost, require })
}
