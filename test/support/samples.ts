import type { FunctionRecord } from '../../src/model/function.ts'
import type { Digest } from '../../src/model/ids.ts'

/** A function as the registry could hold it; `changes` make it another. */
export function sampleFunction(changes: Partial<FunctionRecord> = {}): FunctionRecord {
  return {
    name: 'thumb',
    image: 'acme/thumb:1.4',
    contract: 'stdio',
    port: 0,
    cpus: 0.5,
    memoryBytes: 128 * 2 ** 20,
    timeoutMs: 30_000,
    concurrency: 1,
    prewarm: 0,
    idempotent: false,
    env: { LOG: 'info' },
    network: 'none',
    digest: 'sha256:9f2c' as Digest,
    imageBytes: 1_000_000,
    revision: 1,
    updatedAt: '2026-01-02T03:04:05.000Z',
    ...changes
  }
}
