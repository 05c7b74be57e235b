import assert from 'node:assert/strict'
import { renderTable } from '../../src/faces/table.ts'
import { taskLines, tasksTable } from '../../src/faces/task-view.ts'
import { NOW_MS } from './samples.ts'
import { TASKS } from './tui/states.ts'

describe('what was expected of a task', () => {
  const [task] = TASKS.items
  assert.ok(task !== undefined)

  it('stands beside what it took, in the wide table and on its own page', () => {
    const predicted = { ...task, predictedMs: 281.4 }
    const [titles = '', row = ''] = renderTable(tasksTable([predicted], NOW_MS), { wide: true })
    assert.equal(row.slice(0, titles.indexOf('PREDICTED') + 'PREDICTED'.length).endsWith('281ms'), true)
    assert.ok(taskLines(predicted, NOW_MS).some(line => /^predicted +281ms for its newest attempt/.test(line)))
  })

  it('is left out where the peer that is asked does not know it', () => {
    assert.ok(!taskLines(task, NOW_MS).some(line => line.startsWith('predicted')))
  })
})

describe('the tries of a task', () => {
  it('are those that failed, and the one that runs, has succeeded, or was cancelled', () => {
    const running = TASKS.items.find(({ state }) => state === 'running')
    assert.ok(running !== undefined)
    const triesOf = (changes: Partial<typeof running>): unknown => tasksTable([{ ...running, ...changes }], NOW_MS).rows[0]?.[3]
    assert.equal(triesOf({ failures: 1 }), '2/3')
    assert.equal(triesOf({ state: 'cancelled' }), '1/3')
    assert.equal(triesOf({ state: 'cancelled', attempts: [] }), '0/3', 'it was never given out')
    const [attempt] = running.attempts
    assert.ok(attempt !== undefined)
    const failed = [{ ...attempt, failure: { code: 'timeout', message: 'too long' } }]
    for (const state of ['queued', 'dead', 'cancelled'] as const)
      assert.equal(triesOf({ state, failures: 1, attempts: failed }), '1/3', state)
  })
})
