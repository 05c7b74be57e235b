import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { defined } from '../../model/defined.ts'
import { CaresError } from '../../model/errors.ts'
import { PULL_POLICIES } from '../../model/function.ts'
import type { Digest } from '../../model/ids.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'
import {
  taskExplanationSchema,
  type TaskItem,
  taskListSchema,
  taskSchema,
  taskStateSchema,
  taskSubmittedSchema
} from '../../model/rest-tasks.ts'
import type { PeerService } from '../../model/service.ts'
import { TASK_STATES, type TaskRecord, type TaskState } from '../../model/task.ts'
import { taskRequestSchema } from '../../model/task-request.ts'
import { breakOff } from '../break-off.ts'
import { callerGone } from '../caller.ts'
import { chargedCaller } from '../charged-caller.ts'
import type { ApiContext, App } from '../context.ts'
import { inOnePiece } from '../in-one-piece.ts'
import { duration, explainQuery, pathPart, WAIT_MS_MAX, whole } from '../queries.ts'
import { peerNames, withPeerNames } from '../views/names.ts'
import { taskExplanationView } from '../views/explanation-view.ts'
import { taskView } from '../views/task-view.ts'
import { uploadWarnings } from '../views/upload-warnings.ts'
import { documented, documentedText } from './documented.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 1_000

const params = z.object({ id: pathPart })
const states = z.string().transform((text, context): readonly TaskState[] => {
  const wanted = text.split(',')
  const parsed = z.array(taskStateSchema).safeParse(wanted)
  if (parsed.success) return parsed.data
  context.addIssue({ code: 'custom', message: `must be of ${TASK_STATES.join(', ')}` })
  return z.NEVER
})
const listQuery = z.strictObject({
  state: states.optional().describe('one or several, separated by commas'),
  function: pathPart.optional(),
  peer: pathPart.optional().describe('the worker, by id or name'),
  limit: whole.pipe(z.number().min(1).max(LIMIT_MAX)).optional().describe(`${LIMIT_DEFAULT} if absent`),
  cursor: whole.optional().describe('`next` of the page before')
})

const inputDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be what POST /v1/payloads answered: sha256: and 64 hexadecimal digits')
  .transform(text => text as Digest)

/** The body of a submission: a request, and what its program finds on stdin: as text, in base 64, or, uploaded before, by its address. */
const submission = z
  .object({
    ...taskRequestSchema.shape,
    input: z.string().optional(),
    inputBase64: z.base64().optional(),
    inputDigest: inputDigest.optional()
  })
  .strict()
  .refine(({ image, function: fn }) => (image === undefined) !== (fn === undefined), 'needs either an image or a function')
  .refine(
    ({ input, inputBase64, inputDigest: digest }) => [input, inputBase64, digest].filter(one => one !== undefined).length <= 1,
    'has at most one of input, inputBase64 and inputDigest'
  )

/** Durable tasks: submit, list, read or wait, cancel, result, reasons. Their logs are in `logs.ts`. */
export function taskRoutes(app: App, context: ApiContext): void {
  const { service, clock } = context

  app.get(
    REST_PATHS.tasks,
    { schema: { ...documented('tasks', 'List the newest tasks', { 200: taskListSchema }), querystring: listQuery } },
    async request => {
      const { state, function: fn, peer, limit = LIMIT_DEFAULT, cursor } = request.query
      const [{ items, next }, counts] = await Promise.all([
        service.tasks.list(
          defined({
            limit,
            states: state,
            function: fn,
            worker: peer === undefined ? undefined : service.peer(peer).profile.id,
            before: cursor
          })
        ),
        service.tasks.counts()
      ])
      const name = peerNames(service)
      return { items: items.map(task => viewOf(service, task, name)), counts: { ...counts }, next: next === null ? null : String(next) }
    }
  )

  app.post(
    REST_PATHS.tasks,
    {
      schema: {
        ...documented('tasks', 'Submit a task', { 200: taskSubmittedSchema, 202: taskSubmittedSchema }),
        description:
          'Answered once the task cannot be lost any more. With `Idempotency-Key`, the same key is the same task, and a key that comes with another request is refused. `x-cares-caller`: who is charged in the ledger of costs. An input of more than 64 KiB is uploaded first: `POST /v1/payloads`. With `service`, it is a service: started again whenever its program ends, moved when its worker is lost or drained, until it is cancelled; `publish` is a port at which every peer takes TCP connections for it, and `conflict` says that another service, or a peer, has it.',
        body: submission,
        querystring: z.strictObject({
          pull: z.enum(PULL_POLICIES).optional().describe('whether the image may or must come from its registry')
        })
      }
    },
    async (request, reply) => {
      const { input, inputBase64, inputDigest: uploaded, ...wanted } = request.body
      const key = request.headers['idempotency-key']
      const caller = chargedCaller(request.headers)
      if (Array.isArray(key)) throw new CaresError('invalid', 'there is more than one idempotency key')
      const bytes = input !== undefined ? Buffer.from(input) : inputBase64 !== undefined ? Buffer.from(inputBase64, 'base64') : undefined
      const { task, created } = await service.tasks.submit(wanted, {
        signal: signalOf(reply),
        ...defined({
          input: bytes === undefined ? undefined : inOnePiece(bytes),
          inputDigest: uploaded,
          key,
          caller,
          pull: request.query.pull
        })
      })
      void reply.status(created ? 202 : 200).header('location', restPath(REST_PATHS.task, { id: task.id }))
      return { created, warnings: [...uploadWarnings(task.spec, service.peers())], task: viewOf(service, task) }
    }
  )

  app.get(
    REST_PATHS.task,
    {
      schema: {
        ...documented('tasks', 'Read a task, or wait for its end, or for a service to be healthy', { 200: taskSchema }),
        params,
        querystring: z.strictObject({
          wait: duration(WAIT_MS_MAX).optional().describe('answer when it is over, or a service that is healthy, or after so long: `30s`')
        })
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const waitMs = request.query.wait ?? 0
      const signal = AbortSignal.any([signalOf(reply), context.stopping, clock.timeout(waitMs)])
      const task = waitMs === 0 ? await service.tasks.find(id) : await service.tasks.waitFor(id, { signal })
      return viewOf(service, task)
    }
  )

  app.delete(
    REST_PATHS.task,
    { schema: { ...documented('tasks', 'Cancel a task', { 200: taskSchema }), params } },
    async (request, reply) => viewOf(service, await service.tasks.cancel(request.params.id, { signal: signalOf(reply) }))
  )

  app.get(
    REST_PATHS.taskExplain,
    { schema: { ...documented('tasks', 'Why is it where it is?', { 200: taskExplanationSchema }), params, querystring: explainQuery } },
    async (request, reply) => {
      const { whyNot } = request.query
      const task = await service.tasks.find(request.params.id)
      const { reasons, ...why } = await service.tasks.explain(task.id, { signal: signalOf(reply) })
      const name = peerNames(service)
      return taskExplanationView(
        task,
        { ...why, reasons: reasons.map(reason => withPeerNames(reason, service)) },
        { name, whyNot: whyNot === undefined ? undefined : name(service.peer(whyNot).profile.id) }
      )
    }
  )

  app.get(
    REST_PATHS.taskResult,
    {
      config: { budget: 'calls' },
      schema: { ...documentedText('tasks', 'What a task has written to stdout', 'application/octet-stream', 'the bytes'), params }
    },
    async (request, reply) => {
      const { bytes, body } = await service.tasks.output(request.params.id, { signal: signalOf(reply) })
      const { raw } = reply.hijack()
      raw.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes, 'x-content-type-options': 'nosniff' })
      try {
        await pipeline(body, raw)
      } catch (err) {
        breakOff(raw, context)
        context.log.debug({ err }, 'result of a task cut short')
      }
    }
  )
}

/** A task as clients see it, with what was expected of it. */
function viewOf(service: PeerService, task: TaskRecord, name = peerNames(service)): TaskItem {
  const predictedMs = service.expectedTaskMs(task)
  return { ...taskView(task, name), ...(predictedMs === undefined ? {} : { predictedMs }) }
}

function signalOf(reply: FastifyReply): AbortSignal {
  return callerGone(reply.raw).signal
}
