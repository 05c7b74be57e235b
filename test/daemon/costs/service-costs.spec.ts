import assert from 'node:assert/strict'
import { ServiceCosts } from '../../../src/daemon/costs/service-costs.ts'
import type { CostAmounts } from '../../../src/model/costs.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { valuesOf } from '../../../src/model/shards.ts'
import type { TaskChange, TaskId, TaskSession } from '../../../src/model/task.ts'
import { sampleProfile } from '../../support/samples.ts'
import { sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const [OAK, ELM] = ['oak', 'elm'] as PeerId[] as [PeerId, PeerId]
const ID = 't-1' as TaskId
const AT = '2026-01-01T00:00:01.000Z'

const SUBMIT = sampleSubmit({ caller: 'team-a', spec: sampleTaskSpec({ cpus: 0.5, service: {} }) })
const assign = (attempt: number, worker: PeerId): TaskChange => ({
  type: 'assign',
  id: ID,
  attempt,
  worker,
  session: 's' as TaskSession,
  at: AT
})
const healthy = (attempt: number): TaskChange => ({ type: 'health', id: ID, attempt, health: 'healthy', at: AT })
const fail = (attempt: number): TaskChange => {
  const failure = { code: 'function_failed', message: 'exit code 1' } as const
  return { type: 'fail', id: ID, attempt, failure, counts: true, final: false, at: AT }
}

describe('what services have cost', () => {
  let nowMs: number
  let counted: { function: string; caller: string; peer: string; amounts: CostAmounts }[]
  let costs: ServiceCosts

  beforeEach(() => {
    nowMs = 0
    counted = []
    const profile = sampleProfile({ usdPerHour: 3.6, capacity: { cpus: 4, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 } })
    costs = new ServiceCosts({
      self: OAK,
      clock: { nowMs: () => nowMs },
      profileOf: () => profile,
      add: (key, amounts) => counted.push({ ...key, amounts })
    })
  })

  /** Half of a second after what is there is told. */
  const told = (...changes: readonly TaskChange[]): void => {
    for (const task of valuesOf(tasksWith(SUBMIT, ...changes).tasks)) costs.onService(task)
    nowMs += 500
  }

  const sum = (field: 'runMs' | 'usd' | 'quotedUsd'): number => counted.reduce((total, { amounts }) => total + amounts[field], 0)

  it('is counted while they run, each moment once, by the peer that runs them', () => {
    told()
    told(assign(1, OAK))
    costs.countAll()
    told(assign(1, OAK), healthy(1))
    costs.countAll()
    costs.countAll()
    assert.equal(sum('runMs'), 1_000)
    // A machine of 4 cores costs 3.6 dollars an hour, so half a core 0.000125 a second.
    assert.ok(Math.abs(sum('usd') - 0.000125) < 1e-12)
    assert.equal(sum('quotedUsd'), sum('usd'))
    assert.deepEqual([counted[0]?.function, counted[0]?.caller, counted[0]?.peer], ['image:acme/report:1', 'team-a', OAK])
  })

  it('is none while they wait, or run elsewhere', () => {
    told(assign(1, OAK))
    told(assign(1, OAK), fail(1))
    told(assign(1, OAK), fail(1), assign(2, ELM))
    told(assign(1, OAK), fail(1), assign(2, ELM), fail(2), assign(3, OAK))
    told({ type: 'cancel', id: ID, at: AT })
    costs.countAll()
    assert.equal(sum('runMs'), 1_000)
  })
})
