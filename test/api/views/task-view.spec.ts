import assert from 'node:assert/strict'
import { taskView } from '../../../src/api/views/task-view.ts'
import { valuesOf } from '../../../src/model/shards.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { TaskSession } from '../../../src/model/task.ts'
import { taskLines } from '../../../src/faces/task-view.ts'
import { sampleSubmit, tasksWith } from '../../support/sample-task.ts'

const ELM = '12D3KooWElm' as PeerId
const BIRCH = '12D3KooWBirch' as PeerId
const NAMES: Readonly<Record<string, string>> = { [ELM]: 'elm', [BIRCH]: 'birch' }
const SUBMIT = sampleSubmit()

function assign(attempt: number, worker: PeerId, at: string) {
  return { type: 'assign', id: SUBMIT.id, attempt, worker, session: 's-1' as TaskSession, at } as const
}

describe('a task as clients see it', () => {
  const [task] = valuesOf(
    tasksWith(
      SUBMIT,
      assign(1, ELM, '2026-11-22T11:00:00Z'),
      {
        type: 'fail',
        id: SUBMIT.id,
        attempt: 1,
        at: '2026-11-22T11:00:05Z',
        failure: { code: 'peer_lost', message: `the worker ${ELM} was lost` },
        counts: false,
        final: false
      },
      assign(2, BIRCH, '2026-11-22T11:00:06Z'),
      { type: 'cancel', id: SUBMIT.id, at: '2026-11-22T11:00:09Z' }
    ).tasks
  )
  assert.ok(task)
  const view = taskView(task, id => ({ id, name: NAMES[id] ?? id }))

  it('calls the worker that was lost by its name', () => {
    assert.equal(view.attempts[0]?.failure?.message, 'the worker elm was lost')
  })

  it('shows how each of its attempts ended, also the one that was cancelled', () => {
    const lines = taskLines(view, Date.parse('2026-11-22T11:10:09Z')).filter(line => /^ {2}\d/.test(line))
    assert.deepEqual(
      lines.map(line => line.replace(/^ +\d +/, '')),
      ['elm, 10m ago: the worker elm was lost', 'birch, 10m ago: cancelled after 3s']
    )
  })
})
