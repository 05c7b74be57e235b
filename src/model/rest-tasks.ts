import { z } from 'zod'
import { NETWORK_POLICIES } from './function.ts'
import { placementPolicySchema } from './function-request.ts'
import { bytes, count, listOf, ms, peerRefSchema, time } from './rest-parts.ts'
import { placementSchema, usageSchema, whyNotSchema } from './rest-invocations.ts'
import { SERVICE_HEALTHS, TASK_STATES } from './task.ts'

/** See `TaskState`. */
export const taskStateSchema = z.enum(TASK_STATES)

const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  exitCode: z.int().optional(),
  stderr: z.string().optional().describe('its end')
})

/** One attempt of a task. Null: not known yet. */
export const taskAttemptSchema = z.object({
  attempt: count,
  worker: peerRefSchema,
  startedAt: time.describe('when it was assigned'),
  endedAt: time.nullable(),
  failure: failureSchema.nullable()
})

/** What makes a task a service, and how it is. */
const taskServiceSchema = z.object({
  publish: count.nullable().describe('port on which every peer takes connections for it'),
  port: count.nullable().describe('where its program listens'),
  healthPath: z.string().nullable().describe('what must answer below 400'),
  health: z
    .enum(['waiting', 'starting', ...SERVICE_HEALTHS])
    .nullable()
    .describe('waiting: no worker has it; starting: its program has not been healthy yet; null: it is over'),
  healthSince: time.nullable().describe('since when it is healthy, or unhealthy'),
  restarts: count.describe('attempts after the first, wherever they ran')
})
/** What makes a task a service, and how it is. */
export type TaskServiceItem = z.infer<typeof taskServiceSchema>

/** A task. Null: not yet, or not at all. */
export const taskSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: taskStateSchema.describe('dead: given up after its last attempt'),
  image: z.string(),
  digest: z.string(),
  arch: z.string().optional().describe('CPU architecture of the image; absent: it fits anywhere'),
  function: z.string().nullable().describe('the function that it runs, if it was submitted by its name'),
  args: listOf(z.string()),
  env: z.record(z.string(), z.string()),
  network: z.enum(NETWORK_POLICIES),
  cpus: z.number(),
  memoryBytes: bytes,
  placement: placementPolicySchema.optional().describe('how its workers are chosen'),
  timeoutMs: ms.nullable().describe('longest one attempt may take; null: a service has no end'),
  idempotencyKey: z.string().nullable(),
  gateway: peerRefSchema.describe('the peer that accepted it'),
  worker: peerRefSchema.nullable().describe('who runs it, or ran it last'),
  attempt: count.describe('number of the newest assignment; its fencing token'),
  failures: count.describe('attempts that have failed; of a service, since it last stayed up'),
  attemptsMax: count.nullable().describe('attempts that may fail before it is dead; null: a service is started again for ever'),
  attempts: listOf(taskAttemptSchema).describe('the newest, oldest first'),
  submittedAt: time,
  startedAt: time.nullable().describe('when its newest attempt was assigned'),
  finishedAt: time.nullable(),
  predictedMs: ms
    .optional()
    .describe('what was expected of its newest attempt when it began; absent: it has not, or the peer that is asked was not there'),
  inputBytes: bytes,
  outputBytes: bytes.nullable(),
  exitCode: z.int().nullable(),
  error: failureSchema.nullable().describe('why its newest attempt failed'),
  usage: usageSchema.nullable(),
  service: taskServiceSchema.nullable().describe('null: a job, which runs to its end')
})
/** A task. */
export type TaskItem = z.infer<typeof taskSchema>

/** How many tasks are in each state. */
export const taskCountsSchema = z.object({ queued: count, running: count, succeeded: count, dead: count, cancelled: count })

/** Tasks, newest first. */
export const taskListSchema = z.object({
  items: listOf(taskSchema),
  counts: taskCountsSchema.describe('of all tasks, whatever was asked for'),
  next: z.string().nullable().describe('the `cursor` of the next page; null: there is none')
})
/** Tasks, newest first. */
export type TaskList = z.infer<typeof taskListSchema>

/** A large input that was uploaded for a task. */
export const payloadSchema = z.object({ digest: z.string().describe('its address, `sha256:…`: the `inputDigest` of a task'), bytes })
/** A large input that was uploaded for a task. */
export type UploadedPayload = z.infer<typeof payloadSchema>

/** What submitting a task has done. */
export const taskSubmittedSchema = z.object({
  created: z.boolean().describe('false: the idempotency key was used before, and this is the task that it named'),
  warnings: z.array(z.string()).optional().describe('what is allowed and perhaps not meant, e.g. that no peer could run it'),
  task: taskSchema
})
/** What submitting a task has done. */
export type TaskSubmitted = z.infer<typeof taskSubmittedSchema>

/** Why a task is where it is. */
export const taskExplanationSchema = z.object({
  id: z.string(),
  state: taskStateSchema,
  reasons: listOf(z.string()).describe('oldest first'),
  placement: placementSchema
    .nullable()
    .optional()
    .describe(
      'the newest one; null: not known. The orchestrator keeps those of the tasks that it looked at last, for as long as it is the orchestrator; absent: an older CARES answers'
    ),
  recomputes: z
    .boolean()
    .nullable()
    .optional()
    .describe('whether that decision comes out the same when it is worked out again from its numbers; null: they are not all here'),
  whyNot: whyNotSchema.optional().describe('the answer to ?whyNot; where the placement is not known, that is refused with `not_found`')
})
/** Why a task is where it is. */
export type TaskExplanation = z.infer<typeof taskExplanationSchema>
