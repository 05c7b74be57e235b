import assert from 'node:assert/strict'
import { Predictor } from '../../../src/core/predictor/predictor.ts'
import { Admissions } from '../../../src/daemon/costs/admissions.ts'
import type { AdmissionRecord } from '../../../src/model/admission.ts'
import { ATLAS, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LEASE_MS = 600_000

describe('Admissions', () => {
  it('learns from work that nobody had ended in time, once somebody does', () => {
    const clock = new ManualClock()
    const predictor = new Predictor()
    const admissions = new Admissions({
      learning: predictor,
      views: () => [{ profile: sampleProfile(), stats: sampleStats({ cpusUsed: 0 }), state: 'alive', ageMs: 0 }],
      self: ATLAS,
      isOrchestrator: () => true,
      resolve: () => ATLAS,
      onExpected: () => {},
      clock
    })
    const ask = (id: string): AdmissionRecord | undefined =>
      admissions.answer({ kind: 'ask', id, request: { name: 'train', cpus: 0.1, memoryBytes: 1 } })[0]
    const stateOf = (id: string): string | undefined => admissions.answer({ kind: 'read', id })[0]?.state
    const end = (id: string): string | undefined => admissions.answer({ kind: 'complete', id, outcome: { runMs: 800_000 } })[0]?.state
    assert.equal(ask('w-1')?.state, 'approved')
    clock.advance(LEASE_MS + 1)
    assert.equal(stateOf('w-1'), 'expired')
    assert.equal(end('w-1'), 'completed')
    assert.equal(end('w-1'), 'completed', 'once')
    const next = ask('w-2')
    assert.deepEqual([next?.samples, Math.round(next?.predictedMs ?? 0)], [1, 800_000])
  })
})
