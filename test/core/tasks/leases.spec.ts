import assert from 'node:assert/strict'
import fc from 'fast-check'
import { backoffMs } from '../../../src/core/tasks/backoff.ts'
import { leaseTimes, WorkerSessions } from '../../../src/core/tasks/leases.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { TaskSession } from '../../../src/model/task.ts'

const TIMES = leaseTimes({ leaseMs: 10_000, electionMs: 1_000 })
const BIRCH = 'birch' as PeerId
const [S1, S2] = ['s-1', 's-2'] as [TaskSession, TaskSession]

describe('the times of a lease', () => {
  it('let the slowest worker end its work before the fastest orchestrator gives it to another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 60_000 }), fc.integer({ min: 100, max: 5_000 }), (leaseMs, electionMs) => {
        const { workerMs, orchestratorMs, renewMs } = leaseTimes({ leaseMs, electionMs })
        assert.ok(workerMs * 1.1 < orchestratorMs / 1.1)
        assert.ok(renewMs * 4 < workerMs)
      })
    )
  })
})

describe('the sessions of workers', () => {
  it('are lost when they are not renewed for the whole time, and not before', () => {
    const sessions = new WorkerSessions(TIMES, 0)
    sessions.renew(BIRCH, S1, 1_000)
    assert.equal(sessions.isLost(BIRCH, S1, 1_000 + TIMES.orchestratorMs), false)
    assert.equal(sessions.isLost(BIRCH, S1, 1_001 + TIMES.orchestratorMs), true)
  })

  it('are not lost to a new orchestrator that has just not heard of them yet', () => {
    const sessions = new WorkerSessions(TIMES, 5_000)
    assert.equal(sessions.isLost(BIRCH, S1, 5_000 + TIMES.orchestratorMs), false)
    assert.equal(sessions.isLost(BIRCH, S1, 5_001 + TIMES.orchestratorMs), true)
  })

  it('are lost at once when the worker comes back as another', () => {
    const sessions = new WorkerSessions(TIMES, 0)
    sessions.renew(BIRCH, S1, 0)
    sessions.renew(BIRCH, S2, 1)
    assert.equal(sessions.isLost(BIRCH, S1, 1), true)
    assert.equal(sessions.renew(BIRCH, S1, 2), 'burned', 'a renewal that was late')
    assert.equal(sessions.current(BIRCH, 2), S2)
  })

  it('never come back once they were given up, however soon they are renewed', () => {
    const sessions = new WorkerSessions(TIMES, 0)
    sessions.renew(BIRCH, S1, 0)
    sessions.burn(S1)
    assert.equal(sessions.renew(BIRCH, S1, 1), 'burned')
    assert.equal(sessions.current(BIRCH, 1), undefined)
    assert.equal(sessions.isLost(BIRCH, S1, 1), true)
  })

  it('get no new work when half of their lease is over', () => {
    const sessions = new WorkerSessions(TIMES, 0)
    sessions.renew(BIRCH, S1, 0)
    assert.equal(sessions.current(BIRCH, TIMES.workerMs / 2), S1)
    assert.equal(sessions.current(BIRCH, TIMES.workerMs / 2 + 1), undefined)
  })
})

describe('the pause before another attempt', () => {
  for (const [failures, ms] of [
    [0, 0],
    [1, 1_000],
    [2, 2_000],
    [4, 8_000],
    [50, 60_000]
  ] as const)
    it(`is ${ms} ms after ${failures} failures`, () => assert.equal(backoffMs(failures), ms))
})
