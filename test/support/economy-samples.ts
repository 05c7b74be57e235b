import type { AdmissionRecord } from '../../src/model/admission.ts'
import type { CostLedger } from '../../src/model/costs.ts'
import type { PeerId } from '../../src/model/ids.ts'

/** Three calls of thumb on a peer named atlas, for team-a. */
export function sampleLedger(changes: Partial<CostLedger['rows'][number]> = {}): CostLedger {
  return {
    since: '2026-01-02T03:00:00.000Z',
    rows: [
      {
        function: 'thumb',
        caller: 'team-a',
        peer: '12D3KooWAtlas' as PeerId,
        calls: 3,
        tasks: 2,
        failed: 1,
        cpuMs: 1_500,
        gbMs: 800,
        bytesIn: 30,
        bytesOut: 60,
        usd: 0.000_12,
        quotedUsd: 0.000_1,
        runMs: 2_000,
        totalMs: 2_400,
        predictedMs: 2_200,
        regretMs: 100,
        ...changes
      }
    ]
  }
}

/** Approved for a peer named atlas. */
export function sampleAdmission(changes: Partial<AdmissionRecord> = {}): AdmissionRecord {
  return {
    id: 'w-aaaaaaaaaaaaaaaaaaaaaaaaaa',
    name: 'encode',
    inputBytes: 1_000,
    state: 'approved',
    peer: '12D3KooWAtlas' as PeerId,
    predicted: { cpus: 1, memoryBytes: 268_435_456, diskBytes: 0 },
    predictedMs: 60_000,
    samples: 0,
    waitMs: 0,
    ahead: 0,
    at: '2026-01-02T03:04:05.000Z',
    leaseMs: 600_000,
    ...changes
  }
}
