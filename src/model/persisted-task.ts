import { z } from 'zod'
import { type ErrorCode, isErrorCode } from './errors.ts'
import { NETWORK_POLICIES } from './function.ts'
import { placementPolicySchema } from './function-request.ts'
import type { Digest, PeerId } from './ids.ts'
import type { Usage } from './invocation.ts'
import { quickReader } from './quick-check.ts'
import {
  type AttemptHeld,
  type AttemptRef,
  type AttemptReport,
  type BlobRef,
  type Payload,
  SERVICE_HEALTHS,
  type ServiceSpec,
  TASK_STATES,
  type TaskAttempt,
  type TaskChange,
  type TaskFailure,
  type TaskId,
  type TaskOutcome,
  type TaskRecord,
  type TaskResult,
  type TaskSession,
  type TaskSpec
} from './task.ts'

/*
 * The shapes of tasks as the log, the disk, a database and messages between peers keep them: JSON. Shape only, see `persisted.ts`; the sizes
 * are bounded where the text is read.
 */

function branded<Brand extends string>(): z.ZodType<Brand, string> {
  return z.string().min(1).max(ID_CHARS_MAX) as unknown as z.ZodType<Brand, string>
}

const ID_CHARS_MAX = 256

const count = z.int().nonnegative()
const amount = z.number().nonnegative()
const taskId = branded<TaskId>()
const session = branded<TaskSession>()
const peerId = branded<PeerId>()
const digest = branded<Digest>()
const code = z.custom<ErrorCode>(value => typeof value === 'string' && isErrorCode(value), 'must be an error code')

const blobSchema: z.ZodType<BlobRef> = z.strictObject({ digest, bytes: count, holders: z.array(peerId) })
const payloadSchema: z.ZodType<Payload> = z.strictObject({
  bytes: count,
  inline: z.string().exactOptional(),
  blob: blobSchema.exactOptional()
})

const port = z.int().min(1).max(65_535)
const serviceSchema: z.ZodType<ServiceSpec> = z.strictObject({
  publish: port.exactOptional(),
  port: port.exactOptional(),
  health: z.string().min(1).exactOptional()
})
const health = z.enum(SERVICE_HEALTHS)

const specSchema: z.ZodType<TaskSpec> = z.strictObject({
  name: z.string(),
  image: z.string().min(1),
  digest,
  imageBytes: count,
  arch: z.string().min(1).exactOptional(),
  function: z.string().exactOptional(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  network: z.enum(NETWORK_POLICIES),
  cpus: z.number().positive(),
  memoryBytes: z.int().positive(),
  placement: placementPolicySchema.exactOptional(),
  timeoutMs: z.int().positive(),
  attemptsMax: z.int().positive(),
  service: serviceSchema.exactOptional()
})

const failureSchema: z.ZodType<TaskFailure> = z.strictObject({
  code,
  message: z.string(),
  exitCode: z.int().exactOptional(),
  stderr: z.string().exactOptional()
})

const usageSchema: z.ZodType<Usage> = z.strictObject({
  queueMs: amount,
  pullMs: amount,
  startMs: amount,
  runMs: amount,
  cpuMs: amount.exactOptional(),
  memoryPeakBytes: amount.exactOptional(),
  llcBytes: amount.exactOptional(),
  llcUsedBytes: amount.exactOptional(),
  bytesIn: count,
  bytesOut: count
})

const resultSchema: z.ZodType<TaskResult> = z.strictObject({ exitCode: z.int(), output: payloadSchema, usage: usageSchema })

const attemptSchema: z.ZodType<TaskAttempt> = z.strictObject({
  attempt: count,
  worker: peerId,
  session,
  at: z.string(),
  endedAt: z.string().exactOptional(),
  failure: failureSchema.exactOptional(),
  health: health.exactOptional(),
  healthAt: z.string().exactOptional()
})

/** A task as it is kept. */
export const taskRecordSchema: z.ZodType<TaskRecord> = z.strictObject({
  id: taskId,
  key: z.string().exactOptional(),
  caller: z.string().exactOptional(),
  fingerprint: z.string(),
  spec: specSchema,
  input: payloadSchema.exactOptional(),
  state: z.enum(TASK_STATES),
  attempt: count,
  failures: count,
  attempts: z.array(attemptSchema),
  result: resultSchema.exactOptional(),
  gateway: peerId,
  seq: count,
  endSeq: count.exactOptional(),
  submittedAt: z.string(),
  finishedAt: z.string().exactOptional()
})

/** Reads a task as it is kept. */
export const readTaskRecord = quickReader(taskRecordSchema)

const at = z.string()

const taskChangesSchema: z.ZodType<readonly TaskChange[]> = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('submit'),
      id: taskId,
      key: z.string().exactOptional(),
      caller: z.string().exactOptional(),
      fingerprint: z.string(),
      spec: specSchema,
      input: payloadSchema.exactOptional(),
      gateway: peerId,
      at
    }),
    z.strictObject({ type: z.literal('assign'), id: taskId, attempt: count, worker: peerId, session, at }),
    z.strictObject({ type: z.literal('complete'), id: taskId, attempt: count, result: resultSchema, at }),
    z.strictObject({
      type: z.literal('fail'),
      id: taskId,
      attempt: count,
      failure: failureSchema,
      counts: z.boolean(),
      final: z.boolean(),
      at
    }),
    z.strictObject({ type: z.literal('health'), id: taskId, attempt: count, health, at }),
    z.strictObject({ type: z.literal('cancel'), id: taskId, at }),
    z.strictObject({ type: z.literal('expire'), before: at, at })
  ])
)

/** Reads the changes of one command. */
export const readTaskChanges = quickReader(taskChangesSchema)

/** What the changes of one command did. */
export const taskOutcomesSchema: z.ZodType<readonly TaskOutcome[]> = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.enum(['changed', 'unchanged']), id: taskId }),
    z.strictObject({ type: z.literal('expired'), count }),
    z.strictObject({ type: z.literal('refused'), code: z.enum(['not_found', 'stale', 'conflict', 'limit_reached']), message: z.string() })
  ])
)

const attemptRefSchema: z.ZodType<AttemptRef> = z.strictObject({ task: taskId, attempt: count })
const attemptHeldSchema: z.ZodType<AttemptHeld> = z.strictObject({ task: taskId, attempt: count, health: health.exactOptional() })

const reportSchema: z.ZodType<AttemptReport> = z.strictObject({
  task: taskId,
  attempt: count,
  end: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('succeeded'), result: resultSchema }),
    z.strictObject({ type: z.literal('failed'), failure: failureSchema, counts: z.boolean(), final: z.boolean() })
  ])
})

/** One question on `/cares/task`. */
export const taskAskSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('renew'), session, having: z.array(attemptHeldSchema) }),
  z.strictObject({ type: z.literal('report'), reports: z.array(reportSchema) }),
  z.strictObject({
    type: z.literal('dispatch'),
    term: count,
    orders: z.array(z.strictObject({ task: taskRecordSchema, attempt: count, session }))
  }),
  z.strictObject({ type: z.literal('stop'), term: count, attempts: z.array(attemptRefSchema) }),
  z.strictObject({ type: z.literal('explain'), task: taskId }),
  z.strictObject({ type: z.literal('receipt'), task: taskId })
])

/** The answer to {@link taskAskSchema}; a receipt in it is still JSON text of its own. */
export const taskAnswerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('renewed'), stop: z.array(attemptRefSchema) }),
  z.strictObject({ type: z.literal('burned') }),
  z.strictObject({ type: z.literal('recorded') }),
  z.strictObject({
    type: z.literal('dispatched'),
    refused: z.array(z.strictObject({ task: taskId, attempt: count, code, message: z.string() }))
  }),
  z.strictObject({ type: z.literal('stopped') }),
  z.strictObject({ type: z.literal('explained'), reasons: z.array(z.string()) }),
  z.strictObject({ type: z.literal('receipt'), receipt: z.string().nullable() }),
  z.strictObject({ type: z.literal('failed'), code, message: z.string(), retryable: z.boolean() })
])
