import assert from 'node:assert/strict'
import fc from 'fast-check'
import { z } from 'zod'
import { functionRecordSchema, readFunctionRecord } from '../../src/model/persisted.ts'
import { readTaskRecord, taskRecordSchema } from '../../src/model/persisted-task.ts'
import { quickReader } from '../../src/model/quick-check.ts'
import { sampleFunction } from '../support/samples.ts'
import { sampleResult, sampleSubmit, tasksWith } from '../support/sample-task.ts'
import { valuesOf } from '../../src/model/shards.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { TaskId, TaskSession } from '../../src/model/task.ts'

/** What may stand in the place of any part of a value. */
const ODD: readonly unknown[] = [
  null,
  0,
  -1,
  1.5,
  2 ** 60,
  Number.NaN,
  '',
  'x',
  'x'.repeat(300),
  true,
  [],
  {},
  [1],
  { bytes: 1 },
  { __proto__: null }
]

/** A task with every kind of part: one attempt that failed, and one with a result. */
function sampleTask(): unknown {
  const [id, worker, session, at] = ['t-1' as TaskId, 'p' as PeerId, 's' as TaskSession, '2026-01-01T00:00:00.000Z']
  const failure = { code: 'timeout', message: 'm', exitCode: 1, stderr: 'e' } as const
  return valuesOf(
    tasksWith(
      sampleSubmit({ id, key: 'k', input: { bytes: 1, inline: 'AA==' } }),
      { type: 'assign', id, attempt: 1, worker, session, at },
      { type: 'fail', id, attempt: 1, failure, counts: true, final: false, at },
      { type: 'assign', id, attempt: 2, worker, session, at },
      { type: 'complete', id, attempt: 2, result: sampleResult(), at }
    ).tasks
  ).next().value
}

/** Every way to a part of a value. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, key]))]
}

function changed(value: unknown, [key, ...rest]: readonly string[], change: (at: Record<string, unknown>, key: string) => void): unknown {
  const copy = structuredClone(value) as Record<string, unknown>
  if (key === undefined) return copy
  if (rest.length === 0) change(copy, key)
  else copy[key] = changed(copy[key], rest, change)
  return copy
}

const readers = [
  { name: 'tasks', read: readTaskRecord as (value: unknown, what: string) => unknown, schema: taskRecordSchema, sample: sampleTask() },
  {
    name: 'functions',
    read: readFunctionRecord as (value: unknown, what: string) => unknown,
    schema: functionRecordSchema,
    sample: sampleFunction({ env: { A: '1' }, placement: { strategy: 'cost' } })
  }
] as const

describe('reading quickly', () => {
  for (const { name, read, schema, sample } of readers) {
    it(`takes and refuses just those ${name} that the schema does`, () => {
      const plain = JSON.parse(JSON.stringify(sample)) as unknown
      const paths = pathsOf(plain)
      fc.assert(
        fc.property(
          fc.constantFrom(...paths),
          fc.oneof(
            fc.constantFrom(...ODD).map(
              odd =>
                (at: Record<string, unknown>, key: string): void =>
                  void (at[key] = odd)
            ),
            fc.constant((at: Record<string, unknown>, key: string): void => void delete at[key]),
            fc.constant((at: Record<string, unknown>, key: string): void => void (at[Array.isArray(at) ? at.length : `${key}2`] = 1))
          ),
          (path, change) => {
            const value = changed(plain, path, change)
            const expected = schema.safeParse(value)
            if (expected.success) assert.deepEqual(read(value, 'it'), expected.data)
            else assert.throws(() => read(value, 'it'), { code: 'invalid' })
          }
        ),
        { numRuns: 1_000 }
      )
    })
  }

  it('makes no copy of what is right', () => {
    const task = JSON.parse(JSON.stringify(sampleTask())) as unknown
    assert.equal(readTaskRecord(task, 'it'), task)
    const fn = JSON.parse(JSON.stringify(sampleFunction())) as unknown
    assert.equal(readFunctionRecord(fn, 'it'), fn)
  })

  it('leaves to the schema what it does not understand', () => {
    const read = quickReader(z.strictObject({ at: z.string().transform(text => text.length), more: z.string().default('d') }))
    assert.deepEqual(read({ at: 'abc' }, 'it'), { at: 3, more: 'd' })
    const even = quickReader(z.strictObject({ n: z.number().refine(n => n % 2 === 0) }))
    assert.throws(() => even({ n: 3 }, 'it'), { code: 'invalid' })
    const email = quickReader(z.email())
    assert.throws(() => email('nobody', 'it'), { code: 'invalid' })
    const loose = quickReader(z.object({ a: z.string() }))
    assert.deepEqual(loose({ a: 'x', b: 1 }, 'it'), { a: 'x' })
  })
})
