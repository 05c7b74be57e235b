import assert from 'node:assert/strict'
import { TaskCosts } from '../../../src/daemon/costs/task-costs.ts'
import type { CostAmounts, CostKey, CostRow } from '../../../src/model/costs.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { valuesOf } from '../../../src/model/shards.ts'
import type { TaskChange, TaskId, TaskRecord, TaskSession } from '../../../src/model/task.ts'
import { sampleProfile } from '../../support/samples.ts'
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
const fail = (attempt: number, s: number, code: 'function_failed' | 'peer_lost' = 'function_failed'): TaskChange => {
  const failure = { code, message: 'it did not end well' }
  return { type: 'fail', id: ID, attempt, failure, counts: true, final: false, at: at(s) }
}
const USAGE = { queueMs: 5, pullMs: 100, startMs: 400, runMs: 1_500, cpuMs: 900, bytesIn: 10, bytesOut: 20 }
const complete = (attempt: number, s: number): TaskChange => ({
  type: 'complete',
  id: ID,
  attempt,
  result: sampleResult({ usage: USAGE }),
  at: at(s)
})
const cancel = (s: number): TaskChange => ({ type: 'cancel', id: ID, at: at(s) })

interface Counted extends Pick<CostRow, CostKey> {
  readonly amounts: CostAmounts
}

/** What an attempt is told to have used before the change with that index. */
type Told = Readonly<Record<number, { by: PeerId; attempt: number }>>

/**
 * What the peers count when they hear of these changes, one by one; the first of them is the orchestrator. A machine of 4 cores costs 3.6 dollars an
 * hour, so half a core 0.000125 a second.
 */
function countedBy(selves: readonly PeerId[], changes: readonly TaskChange[], told: Told = {}): readonly Counted[] {
  const counted: Counted[] = []
  const add = (key: Pick<CostRow, CostKey>, amounts: CostAmounts): void => {
    const at = counted.findIndex(known => known.function === key.function && known.caller === key.caller && known.peer === key.peer)
    const before = counted[at]?.amounts
    const names = Object.keys(amounts) as (keyof CostAmounts)[]
    const sums = Object.fromEntries(names.map(name => [name, (before?.[name] ?? 0) + (amounts[name] ?? 0)])) as unknown as CostAmounts
    counted.splice(at < 0 ? counted.length : at, 1, { ...key, amounts: sums })
  }
  const profile = sampleProfile({ usdPerHour: 3.6, capacity: { cpus: 4, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 } })
  const books = new Map(
    selves.map((self, i) => [
      self,
      new TaskCosts({ self, isOrchestrator: () => i === 0, profileOf: () => profile, expectedMs: () => 1_000, add })
    ])
  )
  for (const [index] of changes.entries()) {
    const failed = told[index]
    if (failed !== undefined) books.get(failed.by)?.onEnded({ task: ID, attempt: failed.attempt }, USAGE)
    const [task] = valuesOf(tasksWith(...changes.slice(0, index + 1)).tasks)
    for (const book of books.values()) book.onTask(task as TaskRecord)
  }
  return counted
}

describe('what tasks have cost', () => {
  it('is counted once, by the peer that ran the last attempt, with what was measured and what was expected', () => {
    const rows = countedBy([OAK, ELM], [submit({ caller: 'team-a' }), assign(1, ELM, 1), complete(1, 4)])
    assert.equal(rows.length, 1)
    const { amounts, ...key } = rows[0] as Counted
    assert.deepEqual(key, { function: 'image:acme/report:1', caller: 'team-a', peer: ELM })
    const { usd, quotedUsd, gbMs, ...rest } = amounts
    assert.deepEqual(rest, {
      calls: 0,
      tasks: 1,
      failed: 0,
      succeeded: 0,
      cpuMs: 900,
      bytesIn: 10,
      bytesOut: 20,
      estimatedUsd: 0,
      runMs: 1_500,
      totalMs: 3_000,
      predictedMs: 1_000,
      regretMs: 0
    })
    assert.ok(Math.abs(usd - 0.000_25) < 1e-12, 'two seconds of an eighth of the machine')
    assert.ok(Math.abs(quotedUsd - 0.000_125) < 1e-12)
    assert.ok(Math.abs(gbMs - (2 ** 27 / 1e9) * 1_500) < 1e-6)
  })

  it('holds each earlier attempt where it ran, by what was measured of it', () => {
    const changes = [submit(), assign(1, OAK, 0), fail(1, 8), assign(2, ELM, 9), complete(2, 12)]
    const rows = countedBy([OAK, ELM], changes, { 2: { by: OAK, attempt: 1 } })
    assert.deepEqual(
      rows.map(({ peer, amounts: { tasks, cpuMs, runMs, totalMs, estimatedUsd } }) => [peer, tasks, cpuMs, runMs, totalMs, estimatedUsd]),
      [
        [OAK, 0, 900, 1_500, 8_000, 0],
        [ELM, 1, 900, 1_500, 3_000, 0]
      ]
    )
    assert.ok(Math.abs((rows[0]?.amounts.usd ?? 0) - 0.000_25) < 1e-12, 'not the eight seconds that the orchestrator counted')
  })

  it('holds each attempt that nobody measured for as long as that held its room, as an estimate', () => {
    const rows = countedBy([OAK, ELM], [submit(), assign(1, OAK, 0), fail(1, 8), assign(2, ELM, 9), complete(2, 12)])
    assert.deepEqual(
      rows.map(({ peer, amounts: { tasks, failed, runMs, totalMs, predictedMs } }) => [peer, tasks, failed, runMs, totalMs, predictedMs]),
      [
        [OAK, 0, 0, 8_000, 8_000, 0],
        [ELM, 1, 0, 1_500, 3_000, 1_000]
      ]
    )
    assert.ok(Math.abs((rows[0]?.amounts.usd ?? 0) - 0.001) < 1e-12)
    assert.equal(rows[0]?.amounts.estimatedUsd, rows[0]?.amounts.usd)
    assert.equal(rows[1]?.amounts.estimatedUsd, 0)
  })

  for (const [what, changes, expected] of [
    ['a task that was given up', [assign(1, OAK, 0), fail(1, 2)], [[1, 1, 2_000]]],
    ['one that was cancelled while it ran', [assign(1, OAK, 0), cancel(3)], [[1, 0, 3_000]]],
    ['one that was cancelled before it was tried again', [assign(1, OAK, 0), fail(1, 2), cancel(9)], [[1, 0, 2_000]]],
    ['one that never ran', [cancel(3)], []],
    ['one that is not over', [assign(1, OAK, 0), fail(1, 2), assign(2, OAK, 3)], [[0, 0, 2_000]]],
    [
      'one whose first worker was lost',
      [assign(1, ELM, 0), fail(1, 2, 'peer_lost'), assign(2, OAK, 3), complete(2, 5)],
      [
        [1, 0, 1_500],
        [0, 0, 2_000]
      ]
    ],
    ['one whose only worker was lost', [assign(1, ELM, 0), fail(1, 2, 'peer_lost')], [[1, 1, 2_000]]],
    ['one that was lost and never tried again', [assign(1, ELM, 0), fail(1, 2, 'peer_lost'), cancel(9)], [[1, 0, 2_000]]]
  ] as const) {
    it(`of ${what}: ${expected.length === 0 ? 'nothing' : 'the time of its attempts'}`, () => {
      const attemptsMax = what.includes('given up') || what.includes('only') ? 1 : 3
      const rows = countedBy([OAK, ELM], [submit({ spec: sampleTaskSpec({ attemptsMax }) }), ...changes])
      assert.deepEqual(
        rows.map(({ amounts: { tasks, failed, runMs } }) => [tasks, failed, runMs]),
        expected
      )
    })
  }

  for (const [what, usage, expected] of [
    ['is measured', USAGE, { cpuMs: 900, runMs: 1_500, usd: 0.000_25, estimatedUsd: 0 }],
    ['is not', undefined, { cpuMs: 0, runMs: 3_000, usd: 0.000_375, estimatedUsd: 0.000_375 }]
  ] as const) {
    it(`of one that runs on after it was cancelled waits for the end of its program: what that has used ${what}`, () => {
      const counted: CostAmounts[] = []
      const profile = sampleProfile({ usdPerHour: 3.6, capacity: { cpus: 4, memoryBytes: 2 ** 40, diskBytes: 2 ** 40 } })
      const costs = new TaskCosts({
        self: OAK,
        isOrchestrator: () => false,
        profileOf: () => profile,
        expectedMs: () => 1_000,
        add: (_, amounts) => counted.push(amounts)
      })
      const tell = (...changes: readonly TaskChange[]): void => {
        const [task] = valuesOf(tasksWith(...changes).tasks)
        costs.onTask(task as TaskRecord)
      }
      tell(submit(), assign(1, OAK, 0))
      costs.onBegun({ task: ID, attempt: 1 })
      tell(submit(), assign(1, OAK, 0), cancel(3))
      assert.deepEqual(
        counted.map(({ tasks, runMs }) => [tasks, runMs]),
        [[1, 0]],
        'the task at once, its attempt not yet'
      )
      costs.onEnded({ task: ID, attempt: 1 }, usage)
      const { cpuMs, runMs, usd, estimatedUsd = 0 } = counted[1] as CostAmounts
      const near = (amount: number): number => Math.round(amount * 1e9) / 1e9
      assert.deepEqual({ cpuMs, runMs, usd: near(usd), estimatedUsd: near(estimatedUsd) }, expected)
      assert.equal(counted.length, 2, 'once')
    })
  }

  it('goes by the name of the function that it runs, else by its image without the digest', () => {
    const nameOf = (spec: Parameters<typeof sampleTaskSpec>[0]): string | undefined =>
      countedBy([OAK], [submit({ spec: sampleTaskSpec(spec) }), assign(1, OAK, 0), complete(1, 1)])[0]?.function
    assert.equal(nameOf({ function: 'ocr' }), 'ocr')
    assert.equal(nameOf({ image: `acme/report:1@sha256:${'a'.repeat(64)}` }), 'image:acme/report:1')
    assert.equal(nameOf({ image: 'x'.repeat(1_024) })?.length, 120)
  })
})
