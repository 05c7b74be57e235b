import assert from 'node:assert/strict'
import { TaskExpectations } from '../../../src/daemon/costs/task-expectations.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { TaskId, TaskRecord, TaskState } from '../../../src/model/task.ts'
import { sampleTaskSpec } from '../../support/sample-task.ts'

const [OAK, ELM] = ['oak', 'elm'] as PeerId[] as [PeerId, PeerId]

/** In its newest attempt. */
const task = (state: TaskState, attempt: number, worker?: PeerId, id = 't-1'): TaskRecord =>
  ({
    id: id as TaskId,
    state,
    attempt,
    attempts: worker === undefined ? [] : [{ worker }],
    spec: sampleTaskSpec()
  }) as unknown as TaskRecord

describe('what a task was expected to take', () => {
  /** Elm takes twice as long as oak, and each question finds more learned: a run of one more millisecond. */
  const expectations = (): TaskExpectations => {
    let runMs = 100
    return new TaskExpectations({
      placer: { estimate: () => ({ runMs: runMs++, coldStartMs: 0, warmStartMs: 0, outputBytes: 0, samples: 1 }) },
      learning: { slowness: worker => (worker === ELM ? 2 : 1) }
    })
  }

  it('is what was expected where it runs, when the attempt began, whatever is learned and told of it since', () => {
    const expected = expectations()
    expected.onTask(task('queued', 0))
    assert.equal(expected.of(task('queued', 0)), undefined)
    expected.onTask(task('running', 1, OAK))
    expected.onTask(task('running', 1, OAK))
    expected.onTask(task('succeeded', 1, OAK))
    assert.equal(expected.of(task('succeeded', 1, OAK)), 100)
  })

  it('is that of the newest attempt, and nothing while that has not begun', () => {
    const expected = expectations()
    expected.onTask(task('running', 1, OAK))
    expected.onTask(task('running', 2, ELM))
    assert.equal(expected.of(task('running', 2, ELM)), 202)
    assert.equal(expected.of(task('running', 3, OAK)), undefined)
  })

  it('is forgotten of the oldest of very many', () => {
    const expected = expectations()
    for (let i = 0; i < 5_000; i++) expected.onTask(task('running', 1, OAK, `t-${i}`))
    assert.equal(expected.of(task('running', 1, OAK, 't-0')), undefined)
    assert.equal(expected.of(task('running', 1, OAK, 't-4999')), 5_099)
  })
})
