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

/** The function as an upload would have made it. */
export function virtualFunction({ name, contract, cpus, memoryBytes, imageBytes, coldStartMs, gpus }: SimFunction): VirtualFunction {
  return {
    key: `${name}@1`,
    digest: `sha256:${name}` as Digest,
    contract,
    cpus,
    memoryBytes,
    imageBytes,
    coldStartMs,
    gpus,
    keepsContainers: contract === 'http'
  }
}
