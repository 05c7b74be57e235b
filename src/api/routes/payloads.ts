import { CaresError } from '../../model/errors.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { payloadSchema } from '../../model/rest-tasks.ts'
import { TASK_LIMITS } from '../../model/task-request.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { bodyTooLarge, requestBody } from '../request-body.ts'
import { documented } from './documented.ts'

/** Large inputs of tasks: bytes of any type go in as they come, and are named in the submission by their content. */
export function payloadRoutes(app: App, { service, expectations }: ApiContext): void {
  // Nothing of the body is for Fastify: it is told that there is none, and the handler reads the request itself.
  app.addHook('preParsing', async request => {
    request.headers = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined }
  })
  app.post(
    REST_PATHS.payloads,
    {
      config: { budget: 'calls' },
      schema: {
        ...documented('tasks', 'Keep a large input for a task', { 201: payloadSchema }),
        description:
          'The body is the input itself, of any type. Answered once a majority of the voters has a copy. Submit the task within ten minutes, through any peer, with the digest as `inputDigest`; what no task refers to is dropped after that.'
      }
    },
    async ({ raw }, reply) => {
      const { payloadBytesMax: bytesMax } = TASK_LIMITS
      const tooLargeHint = 'give the task a place where it finds its input instead'
      if (Number(raw.headers['content-length'] ?? 0) > bytesMax) throw bodyTooLarge(bytesMax, tooLargeHint)
      const caller = callerGone(reply.raw)
      const body = requestBody(raw, { bytesMax, tooLargeHint, onStart: () => expectations.proceed(raw, reply.raw) })
      const { digest, bytes } = await service.tasks.upload(body, { signal: caller.signal }).catch((error: unknown) => {
        throw caller.signal.aborted ? new CaresError('cancelled', 'the client went away', { cause: error }) : error
      })
      void reply.status(201).header('cache-control', 'no-store')
      return { digest, bytes }
    }
  )
}
