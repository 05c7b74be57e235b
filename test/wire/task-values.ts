import * as fc from 'fast-check'
import type { Command, Outcome } from '../../src/model/command.ts'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { AttemptHeld, AttemptRef, TaskAnswer, TaskAsk, TaskChange, TaskId, TaskRecord, TaskSession } from '../../src/model/task.ts'
import { sampleReceipt } from '../support/samples.ts'
import { sampleResult, sampleSubmit, sampleTaskSpec, tasksWith } from '../support/sample-task.ts'
import { valuesOf } from '../../src/model/shards.ts'

/* Values of the messages that are JSON by the schema by which tasks are kept. */

function record<Fields extends object>(fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }): fc.Arbitrary<Fields> {
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the compiler does not follow the mapped type
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Fields>
}

const at = '2026-01-01T00:00:00.000Z'
const id = fc.stringMatching(/^t-[0-9a-z]{1,26}$/) as unknown as fc.Arbitrary<TaskId>
const attempt = fc.integer({ min: 1, max: 100 })
const worker = fc.constantFrom('12D3KooWAtlas', '12D3KooWBirch') as fc.Arbitrary<PeerId>
const session = fc.stringMatching(/^s-[0-9a-z]{1,26}$/) as unknown as fc.Arbitrary<TaskSession>
const blob = { digest: 'sha256:00' as Digest, bytes: 100_000, holders: ['12D3KooWAtlas' as PeerId] }
const payload = fc.constantFrom({ bytes: 1, inline: 'AA==' }, { bytes: 100_000, blob })
const failure = fc.constantFrom(
  { code: 'peer_lost', message: 'the worker was lost' } as const,
  { code: 'function_failed', message: 'exit code 3', exitCode: 3, stderr: 'no\nway' } as const
)
const submit = record({ id, input: payload, name: fc.string() }).map(({ name, ...fields }) =>
  sampleSubmit({ ...fields, key: 'k', spec: sampleTaskSpec({ name, args: ['-x', ''], env: { A: 'ü' }, function: 'thumb', arch: 'arm64' }) })
)
const change: fc.Arbitrary<TaskChange> = fc.oneof(
  submit,
  record({ type: fc.constant('assign'), id, attempt, worker, session, at: fc.constant(at) }),
  record({ type: fc.constant('complete'), id, attempt, result: payload.map(output => sampleResult({ output })), at: fc.constant(at) }),
  record({ type: fc.constant('fail'), id, attempt, failure, counts: fc.boolean(), final: fc.boolean(), at: fc.constant(at) }),
  record({ type: fc.constant('cancel'), id, at: fc.constant(at) }),
  fc.constant({ type: 'expire', before: at, at } as const)
)

/** A command that changes tasks. */
export const taskCommand: fc.Arbitrary<Command> = fc
  .array(change, { minLength: 1, maxLength: 3 })
  .map(changes => ({ type: 'tasks', changes }))

/** What it did. */
export const taskOutcome: fc.Arbitrary<Outcome> = fc
  .array(
    fc.oneof(
      record({ type: fc.constantFrom('changed', 'unchanged'), id }),
      record({ type: fc.constant('expired'), count: fc.nat() }),
      record({
        type: fc.constant('refused'),
        code: fc.constantFrom('not_found', 'stale', 'conflict', 'limit_reached'),
        message: fc.string()
      })
    ),
    { minLength: 1, maxLength: 3 }
  )
  .map(outcomes => ({ type: 'tasks-changed', outcomes }))

const task: fc.Arbitrary<TaskRecord> = fc.tuple(submit, fc.boolean()).map(([submitted, isOver]) => {
  const ref = { id: submitted.id, attempt: 1, at } as const
  const assigned = { type: 'assign', ...ref, worker: '12D3KooWBirch' as PeerId, session: 's-1' as TaskSession } as const
  const rest: TaskChange[] = isOver ? [{ type: 'complete', ...ref, result: sampleResult() }] : []
  const [made] = valuesOf(tasksWith(submitted, assigned, ...rest).tasks)
  if (made === undefined) throw new Error('no task')
  return made
})
const ref: fc.Arbitrary<AttemptRef> = record({ task: id, attempt })
const health = fc.constantFrom('healthy' as const, 'unhealthy' as const)
const held: fc.Arbitrary<AttemptHeld> = record({ task: id, attempt, health })
const refs = fc.array(ref, { maxLength: 3 })

/** A question on `/cares/task`. */
export const taskAsk: fc.Arbitrary<TaskAsk> = fc.oneof(
  record({ type: fc.constant('renew'), session, having: fc.oneof(refs, fc.array(held, { maxLength: 3 })) }),
  record({
    type: fc.constant('report'),
    reports: fc.array(
      record({
        task: id,
        attempt,
        end: fc.oneof(
          payload.map(output => ({ type: 'succeeded', result: sampleResult({ output }) })),
          record({ type: fc.constant('failed'), failure, counts: fc.boolean(), final: fc.boolean() })
        )
      }),
      { maxLength: 3 }
    )
  }),
  record({
    type: fc.constant('dispatch'),
    term: fc.nat(),
    orders: fc.array(record({ task, attempt, session }), { maxLength: 2 })
  }),
  record({ type: fc.constant('stop'), term: fc.nat(), attempts: refs }),
  record({ type: fc.constant('explain'), task: id }),
  record({ type: fc.constant('receipt'), task: id })
) as fc.Arbitrary<TaskAsk>

/** Its answer. */
export const taskAnswer: fc.Arbitrary<TaskAnswer> = fc.oneof(
  record({ type: fc.constant('renewed'), stop: refs }),
  fc.constant({ type: 'burned' } as const),
  fc.constant({ type: 'recorded' } as const),
  record({
    type: fc.constant('dispatched'),
    refused: fc.array(record({ task: id, attempt, code: fc.constantFrom('busy', 'stale'), message: fc.string() }), { maxLength: 3 })
  }),
  fc.constant({ type: 'stopped' } as const),
  record({ type: fc.constant('explained'), reasons: fc.array(fc.string(), { maxLength: 3 }) }),
  record({ type: fc.constant('receipt'), receipt: fc.constantFrom(null, sampleReceipt(), sampleReceipt({ params: '-x ü', term: 4 })) }),
  record({
    type: fc.constant('failed'),
    code: fc.constantFrom('not_orchestrator', 'internal'),
    message: fc.string(),
    retryable: fc.boolean()
  })
)
