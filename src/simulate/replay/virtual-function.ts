import type { Contract } from '../../model/function.ts'
import type { Digest } from '../../model/ids.ts'
import type { SimFunction } from '../workload/workload.ts'
import type { Claim } from './machine.ts'

/** Until an idle container has the call: a connection, or a write to stdin. */
export const WARM_START_MS = 3

/** A function of the workload as scheduler and machines know it. */
export interface VirtualFunction extends Claim {
  readonly contract: Contract
  readonly coldStartMs: number
}

/** The function as an upload would have made it; of outside work: as whoever runs it would, with no container that stays. */
export function virtualFunction(
  { name, contract, cpus, memoryBytes, imageBytes, coldStartMs, gpus }: SimFunction,
  isOutside = false
): VirtualFunction {
  return {
    key: `${name}@1`,
    digest: `sha256:${name}` as Digest,
    contract,
    cpus,
    memoryBytes,
    imageBytes,
    coldStartMs,
    gpus,
    isOutside,
    keepsContainers: contract === 'http' && !isOutside
  }
}
