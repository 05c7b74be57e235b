import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyTaskChanges, noTasks } from '../../../src/core/tasks/apply-changes.ts'
import { restoreTables } from '../../../src/core/tasks/restore-tables.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { valueAt, valuesOf } from '../../../src/model/shards.ts'
import {
  type BlobRef,
  isOver,
  type TaskChange,
  type TaskId,
  type TaskOutcome,
  type TaskRecord,
  type TaskSession,
  type TaskTables
} from '../../../src/model/task.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec, tasksWith } from '../../support/sample-task.ts'

const T1 = 't-1' as TaskId
const AT = '2026-01-01T00:00:01.000Z'
const BIRCH = 'birch' as PeerId
const SESSION = 's-1' as TaskSession

function assign(attempt: number, changes: Partial<Extract<TaskChange, { type: 'assign' }>> = {}): TaskChange {
  return { type: 'assign', id: T1, attempt, worker: BIRCH, session: SESSION, at: AT, ...changes }
}

function complete(attempt: number, id = T1): TaskChange {
  return { type: 'complete', id, attempt, result: sampleResult(), at: AT }
}

function fail(attempt: number, changes: Partial<Extract<TaskChange, { type: 'fail' }>> = {}): TaskChange {
  const failure = { code: 'function_failed', message: 'it failed' } as const
  return { type: 'fail', id: T1, attempt, failure, counts: true, final: false, at: AT, ...changes }
}

function taskOf(tables: TaskTables, id = T1): TaskRecord {
  const task = valueAt(tables.tasks, id)
  assert.ok(task, `task ${id}`)
  return task
}

function last(tables: TaskTables, change: TaskChange): TaskOutcome {
  const { tables: after, outcomes } = applyTaskChanges(tables, [change])
  const [outcome] = outcomes
  assert.ok(outcome)
  if (outcome.type !== 'changed' && outcome.type !== 'expired') assert.equal(after, tables, 'what is refused changes nothing')
  return outcome
}

describe('the life of a task', () => {
  it('goes from its submission over an attempt to its one result', () => {
    const tables = tasksWith(sampleSubmit({ input: { bytes: 1, inline: 'AA==' } }), assign(1), complete(1))
    const { state, result, input, attempts } = taskOf(tables)
    assert.deepEqual({ state, input, result }, { state: 'succeeded', input: undefined, result: sampleResult() })
    assert.deepEqual(attempts, [{ attempt: 1, worker: BIRCH, session: SESSION, at: AT, endedAt: AT }])
  })

  for (const [what, before, change, type] of [
    ['a second result of the attempt', [assign(1), complete(1)], complete(1), 'refused'],
    ['a result of an attempt that was given up', [assign(1), fail(1), assign(2)], complete(1), 'refused'],
    ['a result of a cancelled task', [assign(1), { type: 'cancel', id: T1, at: AT }], complete(1), 'refused'],
    ['a result of a task that nobody has', [], complete(0), 'refused'],
    ['an attempt while another is under way', [assign(1)], assign(2), 'refused'],
    ['the same attempt for another session', [assign(1)], assign(1, { session: 's-2' as TaskSession }), 'refused'],
    ['the same assignment again', [assign(1)], assign(1), 'unchanged'],
    ['an attempt number that leaves one out', [], assign(2), 'refused'],
    ['an attempt number that goes back', [assign(1), fail(1)], assign(1), 'refused'],
    ['an attempt of what is over', [assign(1), complete(1)], assign(2), 'refused'],
    ['a failure of an attempt that is over', [assign(1), fail(1)], fail(1), 'refused'],
    ['the same submission again', [], sampleSubmit(), 'unchanged'],
    ['a cancel of what is over', [assign(1), complete(1)], { type: 'cancel', id: T1, at: AT }, 'unchanged']
  ] as const satisfies readonly (readonly [string, readonly TaskChange[], TaskChange, TaskOutcome['type']])[]) {
    it(`is not changed by ${what}`, () => {
      assert.equal(last(tasksWith(sampleSubmit(), ...before), change).type, type)
    })
  }

  it('ends as dead with the last attempt that may fail', () => {
    const spec = sampleTaskSpec({ attemptsMax: 2 })
    const tables = tasksWith(sampleSubmit({ spec }), assign(1), fail(1), assign(2))
    assert.equal(taskOf(tables).state, 'running')
    const { state, failures, attempts } = taskOf(applyTaskChanges(tables, [fail(2)]).tables)
    assert.deepEqual({ state, failures }, { state: 'dead', failures: 2 })
    assert.deepEqual(
      attempts.map(({ failure }) => failure?.code),
      ['function_failed', 'function_failed']
    )
  })

  it('does not count what never began against the attempts, and goes on counting them', () => {
    const tables = tasksWith(sampleSubmit(), assign(1), fail(1, { counts: false }), assign(2), fail(2, { counts: false }))
    const { state, failures, attempt } = taskOf(tables)
    assert.deepEqual({ state, failures, attempt }, { state: 'queued', failures: 0, attempt: 2 })
  })

  it('ends with a failure that no other attempt would mend', () => {
    assert.equal(taskOf(tasksWith(sampleSubmit(), assign(1), fail(1, { final: true }))).state, 'dead')
  })
})

describe('idempotency keys', () => {
  it('are one task, whatever id the repetition has', () => {
    const tables = tasksWith(sampleSubmit({ key: 'k' }))
    assert.deepEqual(last(tables, sampleSubmit({ id: 't-2' as TaskId, key: 'k' })), { type: 'unchanged', id: T1 })
  })

  it('are refused for another request', () => {
    const outcome = last(tasksWith(sampleSubmit({ key: 'k' })), sampleSubmit({ id: 't-2' as TaskId, key: 'k', fingerprint: 'g' }))
    assert.equal(outcome.type === 'refused' && outcome.code, 'conflict')
  })

  it('are free again when their task is forgotten', () => {
    const tables = tasksWith(sampleSubmit({ key: 'k' }), { type: 'cancel', id: T1, at: AT }, { type: 'expire', before: '3', at: AT })
    assert.equal(last(tables, sampleSubmit({ id: 't-2' as TaskId, key: 'k', fingerprint: 'g' })).type, 'changed')
  })
})

describe('the limits of the tables', () => {
  const limits = { tasksMax: 20, bytesMax: 1_000_000 }
  const submit = (at: number, input?: string): TaskChange =>
    sampleSubmit({ id: `t-${at}` as TaskId, ...(input === undefined ? {} : { input: { bytes: input.length, inline: input } }) })
  const cancel = (at: number): TaskChange => ({ type: 'cancel', id: `t-${at}` as TaskId, at: AT })
  const range = (count: number): number[] => [...Array(count).keys()]

  it('forget what was over first, a few at once', () => {
    const changes = [...range(20).map(at => submit(at)), cancel(7), cancel(3), cancel(5), submit(20)]
    const { tables } = applyTaskChanges(noTasks(), changes, limits)
    const ids = new Set([...valuesOf(tables.tasks)].map(({ id }) => String(id)))
    assert.deepEqual([ids.size, ids.has('t-7'), ids.has('t-3'), ids.has('t-5')], [19, false, false, true])
  })

  it('refuse more when nothing of it is over, and never forget what is not', () => {
    const { tables, outcomes } = applyTaskChanges(
      noTasks(),
      range(21).map(at => submit(at)),
      limits
    )
    assert.equal(tables.tasks.size, 20)
    assert.equal(outcomes.at(-1)?.type, 'refused')
  })

  it('count the bytes of payloads', () => {
    const changes = range(20).map(at => submit(at, 'A'.repeat(400_000)))
    const { tables, outcomes } = applyTaskChanges(noTasks(), changes, limits)
    assert.equal(tables.tasks.size, 2)
    assert.equal(outcomes.filter(({ type }) => type === 'refused').length, 18)
  })
})

describe('the room of tasks that are not over', () => {
  const full = (bytesMax: number): { tables: TaskTables; limits: { tasksMax: number; bytesMax: number } } => {
    const limits = { tasksMax: 100, bytesMax }
    const changes = Array.from({ length: 100 }, (_, i) => sampleSubmit({ id: `t-${i}` as TaskId }))
    const { tables } = applyTaskChanges(noTasks(), changes, limits)
    assert.ok(tables.tasks.size < 100, 'no more have room')
    return { tables, limits }
  }
  const output = { bytes: 30_000, inline: 'A'.repeat(40_000) }
  const large = (id: TaskId): TaskChange => ({ type: 'complete', id, attempt: 1, result: sampleResult({ output }), at: AT })

  it('holds a result that fits, once what was over first is forgotten', () => {
    const { tables, limits } = full(60_000)
    const ids = [...valuesOf(tables.tasks)].map(({ id }) => id).slice(0, 30)
    const small = ids.slice(0, 29).flatMap(id => [assign(1, { id }), complete(1, id)])
    const last = ids[29] as TaskId
    const after = applyTaskChanges(tables, [...small, assign(1, { id: last }), large(last)], limits).tables
    assert.deepEqual(taskOf(after, last).result?.output, output)
    assert.ok(after.bytes <= limits.bytesMax)
    assert.equal(valueAt(after.tasks, ids[0] as TaskId), undefined, 'the oldest is forgotten')
  })

  it('ends a task as dead whose result finds none, says so, and forgets nothing for it', () => {
    const { tables, limits } = full(60_000)
    const [first, second] = [...valuesOf(tables.tasks)].map(({ id }) => id) as [TaskId, TaskId]
    const steps = [assign(1, { id: first }), complete(1, first), assign(1, { id: second }), large(second)]
    const { tables: after, outcomes } = applyTaskChanges(tables, steps, limits)
    assert.deepEqual(outcomes.at(-1), { type: 'changed', id: second })
    const { state, result, attempts } = taskOf(after, second)
    assert.deepEqual({ state, result, code: attempts[0]?.failure?.code }, { state: 'dead', result: undefined, code: 'limit_reached' })
    assert.match(attempts[0]?.failure?.message ?? '', /30000 bytes found no room/)
    assert.equal(taskOf(after, first).state, 'succeeded')
  })

  it('is enough for any way in which a task can end', () => {
    const { tables, limits } = full(40_000)
    const failure = { code: 'function_failed', message: '\u0001'.repeat(2_000), stderr: '"'.repeat(4_096) } as const
    const blob = { digest: `sha256:${'a'.repeat(64)}`, bytes: 1e9, holders: Array(3).fill('p'.repeat(52)) } as unknown as BlobRef
    for (const { id } of valuesOf(tables.tasks)) {
      const steps = [assign(1, { id }), fail(1, { id, failure }), assign(2, { id }), fail(2, { id, failure }), assign(3, { id })]
      for (const end of [fail(3, { id, failure, final: true }), completeWith(3, id, blob)]) {
        const { tables: after, outcomes } = applyTaskChanges(tables, [...steps, end], limits)
        assert.ok(
          outcomes.every(({ type }) => type === 'changed'),
          JSON.stringify(outcomes)
        )
        assert.ok(after.bytes <= limits.bytesMax)
        assert.ok(isOver(taskOf(after, id)))
      }
    }
  })

  const completeWith = (attempt: number, id: TaskId, blob: BlobRef): TaskChange => {
    const result = sampleResult({ output: { bytes: blob.bytes, blob } })
    return { type: 'complete', id, attempt, result, at: AT }
  }
})

describe('any changes in any order', () => {
  const ids = ['t-1', 't-2', 't-3'] as TaskId[]
  const anyId = fc.constantFrom(...ids)
  const attempt = fc.nat({ max: 5 })
  const worker = fc.constantFrom('atlas', 'birch') as fc.Arbitrary<PeerId>
  const session = fc.constantFrom('s-1', 's-2') as fc.Arbitrary<TaskSession>
  const change: fc.Arbitrary<TaskChange> = fc.oneof(
    fc.record({ id: anyId, key: fc.option(fc.constantFrom('k', 'l'), { nil: undefined }) }).map(({ id, key }) => sampleSubmit({ id, key })),
    fc.record({ id: anyId, attempt, worker, session }).map(fields => assign(1, fields)),
    fc.record({ id: anyId, attempt }).map(({ id, attempt: number }) => complete(number, id)),
    fc.record({ id: anyId, attempt, counts: fc.boolean(), final: fc.boolean() }).map(fields => fail(1, fields)),
    anyId.map((id): TaskChange => ({ type: 'cancel', id, at: AT })),
    fc.constant({ type: 'expire', before: '2', at: AT })
  )
  const changes = fc.array(change, { maxLength: 60 })

  it('never lose a task that is not over, never change a result, never assign a task twice at once, never lower an attempt', () => {
    fc.assert(
      fc.property(changes, list => {
        let tables = noTasks()
        for (const next of list) {
          const before = tables
          tables = applyTaskChanges(tables, [next]).tables
          for (const task of valuesOf(before.tasks)) {
            const after = valueAt(tables.tasks, task.id)
            if (!isOver(task)) assert.ok(after, 'a task that was not over is gone')
            if (after === undefined || !isOver(task)) continue
            assert.equal(after, task, 'a task that was over has changed')
          }
          for (const task of valuesOf(tables.tasks)) {
            const was = valueAt(before.tasks, task.id)
            assert.ok(task.attempt >= (was?.attempt ?? 0), 'an attempt number went back')
            assert.equal(task.result !== undefined, task.state === 'succeeded')
            const open = task.attempts.filter(({ endedAt }) => endedAt === undefined)
            assert.equal(open.length, task.state === 'running' ? 1 : 0, 'attempts under way')
            if (was?.state === 'running' && task.state === 'running') assert.equal(task.attempt, was.attempt, 'assigned twice at once')
          }
        }
      })
    )
  })

  it('never make the tables larger than their limits, nor a snapshot of them larger than is counted', () => {
    const texts = fc
      .tuple(fc.constantFrom('a', '"', '\u0001', 'é', '漢', '\ud800'), fc.nat({ max: 300 }))
      .map(([unit, n]) => unit.repeat(n))
    const inline = fc.nat({ max: 9_000 }).map(bytes => ({ bytes, inline: Buffer.alloc(bytes).toString('base64') }))
    const [number, someone] = [fc.nat({ max: 3 }), fc.nat({ max: 15 }).map(n => `t-${n}` as TaskId)]
    const any: fc.Arbitrary<TaskChange> = fc.oneof(
      fc
        .record({ id: someone, input: fc.option(inline, { nil: undefined }), args: fc.array(texts, { maxLength: 3 }) })
        .map(({ id, input, args }) =>
          sampleSubmit({ id, ...(input === undefined ? {} : { input }), spec: sampleTaskSpec({ args, env: { A: args[0] ?? '' } }) })
        ),
      fc.record({ id: someone, attempt: number }).map(fields => assign(1, fields)),
      fc
        .record({
          id: someone,
          attempt: number,
          output: fc.oneof(
            inline,
            texts.map(text => ({ bytes: 3, inline: text }))
          )
        })
        .map(
          ({ id, attempt: at, output }): TaskChange => ({ type: 'complete', id, attempt: at, result: sampleResult({ output }), at: AT })
        ),
      fc
        .record({ id: someone, attempt: number, message: texts, stderr: texts, final: fc.boolean() })
        .map(({ id, attempt: at, message, stderr, final }) =>
          fail(at, { id, attempt: at, final, failure: { code: 'internal', message, stderr } })
        ),
      someone.map((id): TaskChange => ({ type: 'cancel', id, at: AT }))
    )
    // What comes next in a task's life, more often than chance has it.
    const lives = fc.array(fc.tuple(any, fc.boolean()), { minLength: 60, maxLength: 120 })
    const limits = { tasksMax: 12, bytesMax: 16_000 }
    fc.assert(
      fc.property(lives, list => {
        let tables = noTasks()
        for (const [next, fitting] of list) {
          const task = next.type === 'submit' || next.type === 'expire' ? undefined : valueAt(tables.tasks, next.id)
          const isDue = fitting && task !== undefined && 'attempt' in next
          const attempt = (task?.attempt ?? 0) + (next.type === 'assign' ? 1 : 0)
          tables = applyTaskChanges(tables, [isDue ? { ...next, attempt } : next], limits).tables
          assert.ok(tables.bytes <= limits.bytesMax && tables.tasks.size <= limits.tasksMax, `${tables.bytes} bytes`)
          const texts = [...valuesOf(tables.tasks)].map(each => Buffer.byteLength(JSON.stringify(each)) + 1)
          assert.ok(texts.reduce((sum, bytes) => sum + bytes, 0) <= tables.bytes)
        }
        assert.equal(restoreTables([...valuesOf(tables.tasks)], tables.seq).bytes, tables.bytes)
      }),
      { numRuns: 12 }
    )
  })

  it('amount to the same together, one by one, and after a restart in between', () => {
    fc.assert(
      fc.property(changes, fc.nat({ max: 60 }), (list, cut) => {
        const together = applyTaskChanges(noTasks(), list).tables
        let tables = applyTaskChanges(noTasks(), list.slice(0, cut)).tables
        tables = restoreTables([...valuesOf(tables.tasks)], tables.seq)
        for (const next of list.slice(cut)) tables = applyTaskChanges(tables, [next]).tables
        const plain = ({ tasks, seq, bytes }: TaskTables) => ({
          seq,
          bytes,
          tasks: [...valuesOf(tasks)].sort((a, b) => (a.id < b.id ? -1 : 1))
        })
        assert.deepEqual(plain(tables), plain(together))
        assert.deepEqual([...valuesOf(tables.keys)].sort(), [...valuesOf(together.keys)].sort())
      })
    )
  })
})
