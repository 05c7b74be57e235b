import assert from 'node:assert/strict'
import type { Placer } from '../../../src/daemon/calls/placer.ts'
import { placeTask } from '../../../src/daemon/tasks/task-placement.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { RejectionReason } from '../../../src/model/placement.ts'
import type { TaskId } from '../../../src/model/task.ts'
import { valueAt } from '../../../src/model/shards.ts'
import { sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const BIRCH = 'birch' as PeerId

/** A placer whose only peer refuses for these reasons: with any deadline, and without one. */
function placer(hurried: RejectionReason | undefined, patient: RejectionReason | undefined): { placer: Placer; deadlines: number[] } {
  const deadlines: number[] = []
  const place = (_: unknown, { deadlineMs }: { deadlineMs: number }): unknown => {
    deadlines.push(deadlineMs)
    const reason = Number.isFinite(deadlineMs) ? hurried : patient
    const decision =
      reason === undefined
        ? { chosen: BIRCH, verdicts: 'not read', expected: { totalMs: 1 }, skipped: 0, rejected: {} }
        : { chosen: null, verdicts: [{ peer: BIRCH, fits: false, reason }], skipped: 0, rejected: { [reason]: 1 } }
    return { decision, strategy: 'cost' }
  }
  return { deadlines, placer: { place, size: 1, reserve: () => ({ order: 0, release: () => {} }), sharing: () => 1 } as unknown as Placer }
}

describe('the placement of a task', () => {
  const id = 't-1' as TaskId
  const task = valueAt(tasksWith(sampleSubmit({ id, spec: sampleTaskSpec({ timeoutMs: 2_000 }) })).tasks, id)
  assert.ok(task)

  it('prefers a peer that is expected to end it in time', () => {
    const it = placer(undefined, undefined)
    assert.equal(placeTask(it.placer, task, []).worker, BIRCH)
    assert.deepEqual(it.deadlines, [2_000])
  })

  it('tries it all the same where nobody is expected to', () => {
    const it = placer('deadline', undefined)
    assert.equal(placeTask(it.placer, task, []).worker, BIRCH)
    assert.deepEqual(it.deadlines, [2_000, Number.POSITIVE_INFINITY])
  })

  it('comes with the numbers that decided, and is put in words', () => {
    const { receipt, reason } = placeTask(placer('deadline', undefined).placer, task, [])
    assert.deepEqual([receipt.decision.chosen, reason], [BIRCH, 'placed on birch by cost, expected to take 1ms; 1 peer was there'])
    const unplaced = placeTask(placer('memory', 'memory').placer, task, [])
    assert.deepEqual([unplaced.receipt.decision.rejected, unplaced.worker], [{ memory: 1 }, null])
  })

  it('looks once where something else is missing', () => {
    const it = placer('memory', 'memory')
    assert.equal(placeTask(it.placer, task, []).worker, null)
    assert.deepEqual(it.deadlines, [2_000])
  })
})
