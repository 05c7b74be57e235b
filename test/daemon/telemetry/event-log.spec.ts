import assert from 'node:assert/strict'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import type { InvocationId } from '../../../src/model/ids.ts'
import { ATLAS } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function filled({ calls, before = 1 }: { calls: number; before?: number }): EventLog {
  const log = new EventLog({ clock: new ManualClock() })
  for (let term = 1; term <= before; term++) log.emit('orchestrator:changed', { orchestrator: ATLAS, name: 'atlas', term })
  const call = { invocation: 'i-1' as InvocationId, function: 'thumb', worker: ATLAS, status: 200, totalMs: 1, code: null }
  for (let i = 0; i < calls; i++) log.emit('invocation:finished', call)
  return log
}

describe('the log of events', () => {
  for (const calls of [10, 1_500, 3_700, 12_000]) {
    it(`still tells, after ${calls} calls, who has become orchestrator before them`, () => {
      const log = filled({ calls })
      const [first, ...rest] = log.after(0)
      assert.equal(first?.type, 'orchestrator:changed')
      assert.equal(rest.length, Math.min(calls, 1_000))
      assert.equal(rest.at(-1)?.id, log.lastId)
    })
  }

  it('is bounded, whatever happens', () => {
    assert.equal(filled({ calls: 5_000, before: 5_000 }).after(0).length, 1_200)
  })

  it('goes on without a gap for who has seen a part, and tells a gap by its numbers', () => {
    const log = filled({ calls: 5_000 })
    const ids = log.after(log.lastId - 3).map(({ id }) => id)
    assert.deepEqual(ids, [log.lastId - 2, log.lastId - 1, log.lastId])
    const late = log.after(7)
    assert.deepEqual([late.length, late[0]?.id], [1_000, log.lastId - 999])
  })
})
