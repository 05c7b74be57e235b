import assert from 'node:assert/strict'
import { TaskCosts } from '../../../src/daemon/costs/task-costs.ts'
import type { CostAmounts, CostKey, CostRow } from '../../../src/model/costs.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { valuesOf } from '../../../src/model/shards.ts'
import type { TaskChange, TaskId, TaskRecord, TaskSession } from '../../../src/model/task.ts'
import { sampleProfile } from '../../support/fake-service.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const [OAK, ELM] = ['oak', 'elm'] as PeerId[] as [PeerId, PeerId]
const ID = 't-1' as TaskId
/** So many seconds after the start. */
const at = (s: number): string => new Date(Date.UTC(2026, 0, 1) + 1_000 * s).toISOString()

const submit = (changes: Parameters<typeof sampleSubmit>[0] = {}): TaskChange => sampleSubmit({ at: at(0), ...changes })
const assign = (attempt: number, worker: PeerId, s: number): TaskChange => ({
  type: 'assign',
  id: ID,
  attempt,
  worker,
  session: 's' as TaskSession,
  at: at(s)
})
const fail = (attempt: number, s: number): TaskChange => {
  const failure = { code: 'function_failed', message: 'exit code 1' } as const
  return { type: 'fail', id: ID, attempt, failure, counts: true, final: false, at: at(s) }
}
const complete = (attempt: number, s: number): TaskChange => {
  const usage = { queueMs: 5, pullMs: 100, startMs: 400, runMs: 1_500, cpuMs: 900, bytesIn: 10, bytesOut: 20 }
  return { type: 'complete', id: ID, attempt, result: sampleResult({ usage }), at: at(s) }
}
const cancel = (s: number): TaskChange => ({ type: 'cancel', id: ID, at: at(s) })

interface Counted extends Pick<CostRow, CostKey> {
  readonly amounts: CostAmounts
}

/** What the peers count when they hear of these changes, one by one. A machine of 4 cores costs 3.6 dollars an hour, so half a core 0.000125 a second. */
function countedBy(selves: readonly PeerId[], ...changes: readonly TaskChange[]): readonly Counted[] {
  const counted: Counted[] = []
  const profile = sampleProfile({ usdPerHour: 3.6, capacity: { cpus: 4, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 } })
  const books = selves.map(
    self =>
      new TaskCosts({ self, profileOf: () => profile, expectedMs: () => 1_000, add: (key, amounts) => counted.push({ ...key, amounts }) })
  )
  for (const [index] of changes.entries()) {
    const [task] = valuesOf(tasksWith(...changes.slice(0, index + 1)).tasks)
    for (const book of books) book.onTask(task as TaskRecord)
  }
  return counted
}

describe('what tasks have cost', () => {
  it('is counted once, by the peer that ran the last attempt, with what was measured and what was expected', () => {
    const rows = countedBy([OAK, ELM], submit({ caller: 'team-a' }), assign(1, ELM, 1), complete(1, 4))
    assert.equal(rows.length, 1)
    const { amounts, ...key } = rows[0] as Counted
    assert.deepEqual(key, { function: 'image:acme/report:1', caller: 'team-a', peer: ELM })
    const { usd, quotedUsd, gbMs, ...rest } = amounts
    assert.deepEqual(rest, {
      calls: 0,
      tasks: 1,
      failed: 0,
      cpuMs: 900,
      bytesIn: 10,
      bytesOut: 20,
      runMs: 1_500,
      totalMs: 3_000,
      predictedMs: 1_000,
      regretMs: 0
    })
    assert.ok(Math.abs(usd - 0.000_25) < 1e-12, 'two seconds of an eighth of the machine')
    assert.ok(Math.abs(quotedUsd - 0.000_125) < 1e-12)
    assert.ok(Math.abs(gbMs - (2 ** 27 / 1e9) * 1_500) < 1e-6)
  })

  it('holds each earlier attempt where it ran, for as long as that held its room', () => {
    const rows = countedBy([OAK, ELM], submit(), assign(1, OAK, 0), fail(1, 8), assign(2, ELM, 9), complete(2, 12))
    assert.deepEqual(
      rows.map(({ peer, amounts: { tasks, failed, runMs, totalMs, predictedMs } }) => [peer, tasks, failed, runMs, totalMs, predictedMs]),
      [
        [OAK, 0, 0, 8_000, 8_000, 0],
        [ELM, 1, 0, 1_500, 3_000, 1_000]
      ]
    )
    assert.ok(Math.abs((rows[0]?.amounts.usd ?? 0) - 0.001) < 1e-12)
  })

  for (const [what, changes, expected] of [
    ['a task that was given up', [assign(1, OAK, 0), fail(1, 2)], [[1, 1, 2_000]]],
    ['one that was cancelled while it ran', [assign(1, OAK, 0), cancel(3)], [[1, 0, 3_000]]],
    ['one that was cancelled before it was tried again', [assign(1, OAK, 0), fail(1, 2), cancel(9)], [[1, 0, 2_000]]],
    ['one that never ran', [cancel(3)], []],
    ['one that is not over', [assign(1, OAK, 0), fail(1, 2), assign(2, OAK, 3)], []]
  ] as const) {
    it(`of ${what}: ${expected.length === 0 ? 'nothing' : 'the time of its attempt'}`, () => {
      const attemptsMax = what.includes('given up') ? 1 : 3
      const rows = countedBy([OAK, ELM], submit({ spec: sampleTaskSpec({ attemptsMax }) }), ...changes)
      assert.deepEqual(
        rows.map(({ amounts: { tasks, failed, runMs } }) => [tasks, failed, runMs]),
        expected
      )
    })
  }

  it('goes by the name of the function that it runs, else by its image without the digest', () => {
    const nameOf = (spec: Parameters<typeof sampleTaskSpec>[0]): string | undefined =>
      countedBy([OAK], submit({ spec: sampleTaskSpec(spec) }), assign(1, OAK, 0), complete(1, 1))[0]?.function
    assert.equal(nameOf({ function: 'ocr' }), 'ocr')
    assert.equal(nameOf({ image: `acme/report:1@sha256:${'a'.repeat(64)}` }), 'image:acme/report:1')
    assert.equal(nameOf({ image: 'x'.repeat(1_024) })?.length, 120)
  })
})
