import assert from 'node:assert/strict'
import { Predictor } from '../../../src/core/predictor/predictor.ts'
import { Admissions } from '../../../src/daemon/costs/admissions.ts'
import type { AdmissionRecord } from '../../../src/model/admission.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { ATLAS, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LEASE_MS = 600_000

describe('Admissions', () => {
  const GIB = 2 ** 30
  /** Of atlas alone, of which programs that were not admitted use so much. */
  const beside = (memoryUsedBytes: number, ageMs = 0): Admissions =>
    new Admissions({
      learning: new Predictor(),
      views: () => [
        {
          profile: sampleProfile({ capacity: { cpus: 4, memoryBytes: 10 * GIB, diskBytes: 0 } }),
          stats: sampleStats({ cpusUsed: 0, cpusReserved: 0, memoryReservedBytes: 0, memoryUsedBytes }),
          state: 'alive',
          ageMs
        }
      ],
      self: 'birch' as PeerId,
      isOrchestrator: () => true,
      resolve: () => ATLAS,
      onExpected: () => {},
      clock: new ManualClock()
    })
  const work = { name: 'train', cpus: 1, memoryBytes: 2 * GIB }

  it('says what it waits for where nobody knows for how long', () => {
    const [queued] = beside(8 * GIB).answer({ kind: 'ask', id: 'w-1', request: work })
    assert.deepEqual([queued?.state, queued?.waitMs], ['queued', null])
    assert.match(
      queued?.why ?? '',
      /^it waits for memory on atlas: it needs 2Gi, and 1Gi can be had; the rest is held by what was not admitted/
    )
    const [approved] = beside(0).answer({ kind: 'ask', id: 'w-1', request: work })
    assert.deepEqual([approved?.state, approved?.why], ['approved', undefined])
  })

  it('names the only peer that would do, and not all of them, where it refuses', () => {
    const huge = { ...work, memoryBytes: 20 * GIB }
    const refuses = (admissions: Admissions, request: typeof work & { on?: string }, message: RegExp): void =>
      assert.throws(() => admissions.answer({ kind: 'ask', id: 'w-1', request }), { message })
    refuses(beside(0), { ...huge, on: 'atlas' }, /^atlas is not large enough for train/)
    refuses(beside(0), huge, /^no peer is large enough for train/)
    refuses(beside(0, 9_000), { ...work, on: 'atlas' }, /^the statistics of atlas are too old/)
    refuses(beside(0, 9_000), work, /^the statistics of all peers are too old/)
  })

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
