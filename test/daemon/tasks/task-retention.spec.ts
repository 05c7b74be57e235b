import assert from 'node:assert/strict'
import { TaskRetention } from '../../../src/daemon/tasks/task-retention.ts'
import { applyTaskChanges } from '../../../src/core/tasks/apply-changes.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { TaskChange, TaskSession } from '../../../src/model/task.ts'
import { AgreedLog } from '../../support/agreed-log.ts'
import { createTestLog } from '../../support/test-log.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const DAY_MS = 86_400_000
const TODAY_MS = Date.parse('2026-11-22T20:00:00.000Z')
const time = (days: number): string => new Date(TODAY_MS + days * DAY_MS).toISOString()
const { id } = sampleSubmit()

/** Submitted and over at these days from today. */
const life = (submitted: number, over: number): TaskChange[] => [
  sampleSubmit({ at: time(submitted), spec: sampleTaskSpec() }),
  { type: 'assign', id, attempt: 1, worker: 'birch' as PeerId, session: 's-1' as TaskSession, at: time(over) },
  { type: 'complete', id, attempt: 1, result: sampleResult(), at: time(over) }
]

/** How many tasks are left of one after some days of a term whose wall clock is so many days ahead. */
async function left(
  task: readonly TaskChange[],
  { ahead, jump = 0, days }: { ahead: number; jump?: number; days: number }
): Promise<number> {
  const log = new AgreedLog()
  const store = log.peer()
  await store.commit(task, { signal: new AbortController().signal })
  let [passed, wrong] = [0, ahead]
  let look: (() => unknown) | undefined
  const every = (_: number, run: () => unknown): Disposable => {
    look = run
    return { [Symbol.dispose]: () => (look = undefined) }
  }
  const clock = { nowMs: () => 1_000 + passed * DAY_MS, timestamp: () => time(passed + wrong), every }
  const commit = async (changes: readonly TaskChange[]): Promise<unknown> => store.commit(changes, { signal: new AbortController().signal })
  const retention = new TaskRetention({ store, clock, log: createTestLog(), commit })
  await retention.start()
  passed = days
  wrong += jump
  await look?.()
  retention.stop()
  assert.equal(look, undefined)
  return log.tables.tasks.size
}

describe('the retention of tasks', () => {
  for (const [what, term, expected] of [
    ['keeps what has just ended', { ahead: 0, days: 0 }, 1],
    ['keeps it for a week', { ahead: 0, days: 6.9 }, 1],
    ['forgets it then', { ahead: 0, days: 7.2 }, 0],
    ['keeps it by a clock that is eight days ahead', { ahead: 8, days: 0.1 }, 1],
    ['keeps it by a clock that jumps ahead', { ahead: 0, jump: 300, days: 1 }, 1],
    ['forgets it after a week by a clock that is ahead', { ahead: 8, days: 7.2 }, 0],
    ['keeps it longer by a clock that is behind', { ahead: -3, days: 9 }, 1]
  ] as const) {
    it(what, async () => assert.equal(await left(life(-0.1, 0), term), expected))
  }

  it('forgets what was over for long when the term began, if newer ones tell the time', async () => {
    const newer = sampleSubmit({ id: 't-2' as typeof id, at: time(0) })
    assert.equal(await left([...life(-8, -8), newer], { ahead: 0, days: 0 }), 1)
    assert.equal(await left([...life(-6, -6), newer], { ahead: 0, days: 0 }), 2)
  })

  it('keeps what an orchestrator has ended whose clock was behind', () => {
    const { tables } = applyTaskChanges(tasksWith(...life(0, -30)), [{ type: 'expire', before: time(-7), at: time(0) }])
    assert.equal(tables.tasks.size, 1)
  })
})
