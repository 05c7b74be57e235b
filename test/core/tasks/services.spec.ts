import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyTaskChanges, noTasks } from '../../../src/core/tasks/apply-changes.ts'
import { STAYED_UP_MS } from '../../../src/core/tasks/limits.ts'
import { restoreTables } from '../../../src/core/tasks/restore-tables.ts'
import { taskBytes } from '../../../src/core/tasks/task-bytes.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { valueAt, valuesOf } from '../../../src/model/shards.ts'
import { isOver, type TaskChange, type TaskId, type TaskRecord, type TaskSession, type TaskTables } from '../../../src/model/task.ts'
import { sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const T1 = 't-1' as TaskId
const T2 = 't-2' as TaskId
const START_MS = Date.parse('2026-01-01T00:00:00.000Z')

const at = (ms: number): string => new Date(START_MS + ms).toISOString()

function submit(id: TaskId, publish?: number): TaskChange {
  return sampleSubmit({ id, spec: sampleTaskSpec({ attemptsMax: 1, service: publish === undefined ? {} : { publish, port: 80 } }) })
}

function assign(attempt: number, ms = 0, id = T1): TaskChange {
  return { type: 'assign', id, attempt, worker: 'birch' as PeerId, session: 's-1' as TaskSession, at: at(ms) }
}

function health(attempt: number, how: 'healthy' | 'unhealthy', ms = 0, id = T1): TaskChange {
  return { type: 'health', id, attempt, health: how, at: at(ms) }
}

function fail(attempt: number, ms = 0, changes: Partial<Extract<TaskChange, { type: 'fail' }>> = {}): TaskChange {
  const failure = { code: 'function_failed', message: 'exited with code 0' } as const
  return { type: 'fail', id: T1, attempt, failure, counts: true, final: true, at: at(ms), ...changes }
}

const cancel = (id = T1): TaskChange => ({ type: 'cancel', id, at: at(0) })

function taskOf(tables: TaskTables, id = T1): TaskRecord {
  const task = valueAt(tables.tasks, id)
  assert.ok(task, `task ${id}`)
  return task
}

describe('the life of a service', () => {
  it('does not end with its program, however often that fails and however hopeless it is', () => {
    const tables = tasksWith(submit(T1), ...[1, 2, 3, 4].flatMap(attempt => [assign(attempt), fail(attempt)]))
    const { state, failures, attempt } = taskOf(tables)
    assert.deepEqual({ state, failures, attempt }, { state: 'queued', failures: 4, attempt: 4 })
  })

  it('forgets its failures once it has stayed up, and only then', () => {
    const crashed = tasksWith(submit(T1), assign(1), fail(1), assign(2), fail(2), assign(3))
    const rows: readonly (readonly [string, readonly TaskChange[], number])[] = [
      ['it was healthy for long', [health(3, 'healthy'), fail(3, STAYED_UP_MS)], 1],
      ['it was healthy for long, and unhealthy at last', [health(3, 'healthy'), health(3, 'unhealthy', 1), fail(3, STAYED_UP_MS)], 1],
      ['it was healthy for too short', [health(3, 'healthy'), fail(3, STAYED_UP_MS - 1)], 3],
      ['it never was healthy', [fail(3, STAYED_UP_MS)], 3],
      ['it was handed back after long', [health(3, 'healthy'), fail(3, STAYED_UP_MS, { counts: false })], 0],
      ['it was handed back soon', [fail(3, 0, { counts: false })], 2]
    ]
    for (const [why, changes, failures] of rows) assert.equal(taskOf(applyTaskChanges(crashed, changes).tables).failures, failures, why)
  })

  it('says how it is, for the attempt that is under way', () => {
    const tables = tasksWith(submit(T1), assign(1), health(1, 'healthy', 5), health(1, 'unhealthy', 9))
    assert.deepEqual(
      taskOf(tables).attempts.map(({ health: how, healthAt }) => ({ how, healthAt })),
      [{ how: 'unhealthy', healthAt: at(9) }]
    )
    const types = applyTaskChanges(tables, [health(1, 'unhealthy', 10), fail(1), health(1, 'healthy'), assign(2), health(1, 'healthy')])
    assert.deepEqual(
      types.outcomes.map(({ type }) => type),
      ['unchanged', 'changed', 'refused', 'changed', 'refused']
    )
    assert.equal(taskOf(types.tables).attempts.at(-1)?.health, undefined, 'the next attempt begins anew')
  })

  it('ends when it is cancelled', () => {
    assert.equal(taskOf(tasksWith(submit(T1), assign(1), health(1, 'healthy'), cancel())).state, 'cancelled')
  })
})

describe('a published port', () => {
  it('belongs to one service at a time', () => {
    const tables = tasksWith(submit(T1, 8080), assign(1), fail(1))
    const { outcomes, tables: after } = applyTaskChanges(tables, [submit(T2, 8080)])
    assert.equal(outcomes[0]?.type === 'refused' && outcomes[0].code, 'conflict')
    assert.equal(after, tables)
    assert.equal(applyTaskChanges(tables, [submit(T2, 8081)]).outcomes[0]?.type, 'changed')
    assert.equal(applyTaskChanges(tables, [submit(T1, 8080)]).outcomes[0]?.type, 'unchanged', 'the same submission again')
  })

  it('is free again once its service is over, within one command as well', () => {
    const { outcomes, tables } = applyTaskChanges(tasksWith(submit(T1, 8080)), [cancel(), submit(T2, 8080)])
    assert.deepEqual(
      outcomes.map(({ type }) => type),
      ['changed', 'changed']
    )
    assert.deepEqual([...tables.ports], [[8080, T2]])
    const forgotten = applyTaskChanges(tables, [{ type: 'expire', before: '3', at: at(0) }]).tables
    assert.deepEqual([...forgotten.ports], [[8080, T2]])
  })

  it('is always that of one service that is not over, as tables that are read back say too, and records take the room that is counted', () => {
    const id = fc.constantFrom(T1, T2, 't-3' as TaskId)
    const attempt = fc.integer({ min: 1, max: 3 })
    const change = fc.oneof(
      fc.tuple(id, fc.constantFrom(undefined, 8080, 8081)).map(([task, publish]) => submit(task, publish)),
      fc.tuple(id, attempt).map(([task, number]) => assign(number, 0, task)),
      fc.tuple(id, attempt, fc.constantFrom('healthy', 'unhealthy')).map(([task, number, how]) => health(number, how, 0, task)),
      fc.tuple(id, attempt).map(([task, number]) => fail(number, 0, { id: task })),
      id.map(task => cancel(task)),
      fc.constant<TaskChange>({ type: 'expire', before: '3', at: at(0) })
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), changes => {
        const { tables } = applyTaskChanges(noTasks(), changes)
        const records = [...valuesOf(tables.tasks)]
        const open = records.filter(task => !isOver(task) && task.spec.service?.publish !== undefined)
        const expected = open.map(task => [task.spec.service?.publish, task.id])
        assert.deepEqual(new Map(tables.ports), new Map(expected as [number, TaskId][]))
        assert.equal(tables.ports.size, open.length)
        assert.deepEqual(restoreTables(records, tables.seq).ports, new Map(tables.ports))
        for (const task of records) assert.ok(taskBytes(task) >= Buffer.byteLength(JSON.stringify(task)))
        assert.equal(
          tables.bytes,
          records.reduce((sum, task) => sum + taskBytes(task), 0)
        )
      })
    )
  })
})
