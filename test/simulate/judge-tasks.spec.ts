import assert from 'node:assert/strict'
import type { PeerId } from '../../src/model/ids.ts'
import type { TaskId } from '../../src/model/task.ts'
import type { Ending } from '../../src/simulate/whole/history.ts'
import { taskContradictions } from '../../src/simulate/whole/judge-tasks.ts'
import { type FinalTask, type Submission, TaskHistory, type TaskRun, type ToldTask } from '../../src/simulate/whole/task-history.ts'

const A = 'a' as PeerId
const B = 'b' as PeerId
const T = 't-1' as TaskId
const U = 't-2' as TaskId
const OK: Ending = { type: 'ok', atMs: 100 }

const submission: Submission = { key: 'k', gateway: A, startMs: 0, end: OK, id: T }
const run: TaskRun = { task: T, attempt: 1, worker: B, startMs: 10, endMs: 20, output: 'out' }
const told: ToldTask = { id: T, by: A, state: 'succeeded', output: 'out' }
const final: FinalTask = { key: 'k', state: 'succeeded', failures: 0, attemptsMax: 2, output: 'out', isService: false }

/** What is said of a history of one task, or of what is given in place of its parts. */
function judge({
  submissions = [submission],
  runs = [run],
  heard = [told],
  finals = [[T, final]]
}: {
  submissions?: readonly Submission[]
  runs?: readonly TaskRun[]
  heard?: readonly ToldTask[]
  finals?: readonly (readonly [TaskId, FinalTask])[]
} = {}): string {
  const history = new TaskHistory()
  history.submissions.push(...submissions)
  history.runs.push(...runs)
  history.told.push(...heard)
  return taskContradictions(history, [{ peer: B, tasks: new Map(finals) }]).join('; ')
}

describe('the judge of a history of tasks', () => {
  const lost: TaskRun = { task: T, attempt: 1, worker: A, startMs: 1, endMs: 5 }
  const dead: FinalTask = { ...final, state: 'dead', failures: 2, output: undefined }
  const kept: FinalTask = { ...final, state: 'running', failures: 7, output: undefined, isService: true }
  const endless: TaskRun = { task: T, attempt: 2, worker: B, startMs: 6 }
  const failed = (code: 'no_quorum' | 'internal'): Submission => ({
    ...submission,
    id: undefined as never,
    end: { type: 'error', atMs: 100, code, retryable: true, message: 'so it was' }
  })

  it('finds nothing in what may be', () => {
    assert.equal(judge(), '')
    assert.equal(judge({ runs: [lost, { ...run, attempt: 2 }] }), '', 'a second attempt after the first')
    assert.equal(judge({ submissions: [submission, { ...submission, gateway: B }] }), '', 'a key that comes again')
    assert.equal(judge({ runs: [lost], heard: [{ ...told, state: 'dead', output: undefined }], finals: [[T, dead]] }), '', 'a dead one')
    const { id: _, ...unacknowledged } = failed('no_quorum')
    assert.equal(judge({ submissions: [unacknowledged], runs: [], heard: [], finals: [] }), '', 'a refused one')
    assert.equal(judge({ runs: [lost, endless], heard: [], finals: [[T, kept]] }), '', 'a service that was moved')
    assert.equal(
      judge({ runs: [lost], heard: [], finals: [[T, { ...kept, state: 'cancelled' }]] }),
      '',
      'a service that nobody wants any more'
    )
  })

  const wrong: readonly (readonly [claim: string, history: Parameters<typeof judge>[0], said: RegExp])[] = [
    ['an acknowledged task that a peer does not know', { finals: [] }, /acknowledged, and b does not know it/],
    ['a key that named two tasks', { submissions: [submission, { ...submission, id: U }] }, /acknowledged as t-1 and as t-2/],
    [
      'two tasks of one key',
      {
        finals: [
          [T, final],
          [U, final]
        ],
        runs: [run, { ...run, task: U }]
      },
      /two tasks for the key/
    ],
    ['a task that is not over', { finals: [[T, { ...final, state: 'running' }]], heard: [] }, /still running/],
    ['a result that no run has made', { runs: [{ ...run, output: 'other' }] }, /no run of it has made/],
    ['a result that is another than a client was told', { heard: [{ ...told, output: 'other' }] }, /told that t-1 is succeeded with other/],
    ['a task that succeeded and died', { heard: [{ ...told, state: 'dead' }] }, /told that t-1 is dead/],
    ['more failures than attempts', { finals: [[T, { ...dead, failures: 3 }]], heard: [] }, /failed 3 times of 2/],
    ['a task given up too soon', { finals: [[T, { ...dead, failures: 1 }]], heard: [] }, /dead after 1 of 2/],
    [
      'attempts that overlap',
      {
        runs: [
          { ...lost, endMs: 30 },
          { ...run, attempt: 2 }
        ]
      },
      /attempt 1 on a ran until 30/
    ],
    [
      'an attempt that never ended',
      {
        runs: [
          { ...run, startMs: 1, endMs: undefined as never },
          { ...run, attempt: 2 }
        ]
      },
      /ran until the end/
    ],
    ['an attempt that began twice', { runs: [{ ...run, startMs: 1, endMs: 2 }, run] }, /attempt 1 of t-1 began on b after attempt 1/],
    ['a service that runs nowhere', { runs: [lost], heard: [], finals: [[T, kept]] }, /service t-1 runs nowhere, b says that it does/],
    ['a service that waits', { runs: [endless], heard: [], finals: [[T, { ...kept, state: 'queued' }]] }, /still queued/],
    ['a service that was given up', { runs: [lost], heard: [], finals: [[T, { ...kept, state: 'dead' }]] }, /service t-1 is dead/],
    [
      'a service that runs twice',
      { runs: [endless, { ...endless, attempt: 3, startMs: 9 }], heard: [], finals: [[T, kept]] },
      /attempt 2 on b ran until the end/
    ],
    ['an answer that no client may get', { submissions: [failed('internal')], heard: [], finals: [] }, /answered by a with internal/]
  ]
  for (const [claim, history, said] of wrong) {
    it(`finds ${claim}`, () => {
      assert.match(judge(history), said)
    })
  }
})
