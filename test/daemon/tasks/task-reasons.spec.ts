import assert from 'node:assert/strict'
import { TaskReasons } from '../../../src/daemon/tasks/task-reasons.ts'
import type { Receipt } from '../../../src/model/placement.ts'
import type { TaskId } from '../../../src/model/task.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { sampleReceipt } from '../../support/samples.ts'

describe('what is kept of the placements of tasks', () => {
  const idOf = (i: number): TaskId => `t-${i}` as TaskId
  /** One whose verdicts would take their time. */
  const unread = (attempt: number): Receipt => {
    const decision = {
      ...sampleReceipt().decision,
      get verdicts(): never {
        throw new Error('nobody has asked')
      }
    }
    return { ...sampleReceipt({ try: attempt }), decision }
  }

  it('is the newest of each, and of a thousand of them, unread', () => {
    const reasons = new TaskReasons({ clock: new ManualClock() })
    const place = (i: number, attempt = 1): void => reasons.placed(idOf(i), { reason: 'room', receipt: unread(attempt) })
    for (let i = 0; i < 1_000; i++) place(i)
    assert.equal(reasons.receiptOf(idOf(0))?.try, 1)
    place(0, 2)
    place(1_000)
    assert.deepEqual(
      [0, 1, 2, 1_000].map(i => reasons.receiptOf(idOf(i))?.try),
      [2, undefined, 1, 1]
    )
    // Words take less room.
    assert.match(reasons.of(idOf(1), { waiting: 0 }).join(), /room$/)
  })
})
