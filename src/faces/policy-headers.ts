import type { CallPolicy } from '../model/function.ts'
import { POLICY_HEADERS } from '../model/invocation.ts'

/** The headers by which one call says how its worker is to be chosen. */
export function policyHeaders({ objective, maxCostUsd, require }: CallPolicy = {}): readonly (readonly [name: string, value: string])[] {
  return [
    ...(objective === undefined ? [] : [[POLICY_HEADERS.objective, objective] as const]),
    ...(maxCostUsd === undefined ? [] : [[POLICY_HEADERS.maxCostUsd, String(maxCostUsd)] as const]),
    ...(require === undefined ? [] : [[POLICY_HEADERS.require, require.join(',')] as const])
  ]
}
