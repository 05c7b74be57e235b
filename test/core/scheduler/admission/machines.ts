import type { Ask, Machine } from '../../../../src/core/scheduler/admission/admission.ts'
import { NOTHING } from '../../../../src/core/scheduler/admission/amounts.ts'
import type { Amounts } from '../../../../src/model/admission.ts'
import { GIB, peerId } from '../cluster.ts'

/** 10 cores, 100 GiB: with the default targets, 8 and 90 of them may be used. */
export function machineOf(name: string, fields: Partial<Omit<Machine, 'measured'>> & { measured?: Partial<Amounts> } = {}): Machine {
  return {
    peer: peerId(name),
    capacity: { cpus: 10, memoryBytes: 100 * GIB, diskBytes: 0 },
    ageMs: 0,
    isSelf: false,
    isOpen: true,
    promised: NOTHING,
    ...fields,
    measured: { ...NOTHING, ...fields.measured }
  }
}

/** One core for ten seconds, that would wait for an hour. */
export function askOf(id: string, fields: Partial<Omit<Ask, 'predicted'>> & { predicted?: Partial<Amounts> } = {}): Ask {
  return {
    id,
    predictedMs: 10_000,
    waitMaxMs: 3_600_000,
    leaseMs: 3_600_000,
    ...fields,
    predicted: { ...NOTHING, cpus: 1, ...fields.predicted }
  }
}
