import type { CallPolicy, FunctionRecord } from '../../model/function.ts'
import { narrowedPolicy } from '../../model/narrowed-policy.ts'

/** A function as one call wants it placed, see {@link narrowedPolicy}. */
export function asAsked(fn: FunctionRecord, asked: CallPolicy | undefined): FunctionRecord {
  return asked === undefined ? fn : { ...fn, placement: narrowedPolicy(fn.placement, asked) }
}
