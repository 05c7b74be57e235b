import { type FunctionRecord, functionKey } from '../../model/function.ts'
import type { PlacementRequest } from '../../model/placement.ts'

/** What a function asks of any placement, whether of a call that has come or of one that is only asked about: both must be judged alike. */
export function demandsOf(
  fn: FunctionRecord
): Pick<PlacementRequest, 'function' | 'digest' | 'imageBytes' | 'arch' | 'cpus' | 'memoryBytes' | 'maxCostUsd' | 'gpus' | 'require'> {
  const { digest, imageBytes, arch, cpus, memoryBytes, gpus } = fn
  const { maxCostUsd, require } = fn.placement ?? {}
  return { function: functionKey(fn), digest, imageBytes, arch, cpus, memoryBytes, maxCostUsd, gpus, require }
}
