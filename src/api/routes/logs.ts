import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { InvocationId } from '../../model/ids.ts'
import type { LogLine } from '../../model/logs.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import { breakOff } from '../break-off.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { problemAnswer } from '../errors.ts'
import { toCaresError } from '../../model/errors.ts'
import { openEventStream } from '../event-stream.ts'
import { flag, pathPart, whole } from '../queries.ts'
import { documentedText } from './documented.ts'

const TAIL_DEFAULT = 100
const TAIL_MAX = 10_000
/** How long the last lines of a task may be behind the news of its end. */
const LAST_LINES_MS = 500

const query = z
  .strictObject({
    function: pathPart.optional(),
    invocation: pathPart.optional(),
    tail: whole.pipe(z.number().max(TAIL_MAX)).optional().describe(`how many of the newest lines; ${TAIL_DEFAULT} if absent`),
    follow: flag.optional().describe('go on with the lines to come')
  })
  .refine(({ function: name, invocation }) => (name === undefined) !== (invocation === undefined), 'name a function or an invocation')

/** What functions write to their logs, from all peers. */
export function logRoutes(app: App, context: ApiContext): void {
  const { service, stopping } = context
  app.get(
    REST_PATHS.logs,
    {
      config: { budget: 'streams' },
      schema: {
        ...documentedText('observe', 'Lines of a function or an invocation', 'application/x-ndjson', 'one LogLine a line, oldest first'),
        description: 'With `Accept: text/event-stream` the lines come as events named `line`.',
        querystring: query
      }
    },
    async (request, reply) => {
      const { function: name, invocation, tail = TAIL_DEFAULT, follow = false } = request.query
      const signal = AbortSignal.any([callerGone(reply.raw).signal, stopping])
      // Known before the head goes out: a stream of nothing would not tell a quiet function from one that does not exist.
      if (name !== undefined) service.function(name)
      if (invocation !== undefined) await service.invocation(invocation, { signal })
      const lines = service.logs({ function: name, invocation: invocation as InvocationId | undefined, tail, follow }, { signal })
      const send = request.headers.accept?.includes('text/event-stream') === true ? sendEvents : sendLines
      await send(context, reply, lines, signal)
    }
  )
}

/** What one task has written, on whichever peers. */
export function taskLogRoutes(app: App, context: ApiContext): void {
  const { service, stopping } = context
  app.get(
    REST_PATHS.taskLogs,
    {
      config: { budget: 'streams' },
      schema: {
        ...documentedText('tasks', 'Lines of a task', 'application/x-ndjson', 'one LogLine a line, oldest first'),
        description: 'With `Accept: text/event-stream` the lines come as events named `line`. They are kept by the workers, for a while.',
        params: z.object({ id: pathPart }),
        querystring: z.strictObject({ tail: query.shape.tail, follow: query.shape.follow })
      }
    },
    async (request, reply) => {
      const { tail = TAIL_DEFAULT, follow = false } = request.query
      const { id } = await service.tasks.find(request.params.id)
      const over = new AbortController()
      const signal = AbortSignal.any([callerGone(reply.raw).signal, stopping, over.signal])
      // Nothing more will come once the task is over; what is on its way by then still does.
      if (follow)
        void service.tasks
          .waitFor(id, { signal })
          .then(() => context.clock.sleep(LAST_LINES_MS, { signal }))
          .then(
            () => over.abort(),
            () => {}
          )
      const lines = service.logs({ invocation: id as string as InvocationId, tail, follow }, { signal })
      const send = request.headers.accept?.includes('text/event-stream') === true ? sendEvents : sendLines
      await send(context, reply, lines, signal)
    }
  )
}

/** One JSON object a line, at the reader's pace. A stream that fails ends without its proper end. */
async function sendLines(context: ApiContext, reply: FastifyReply, lines: AsyncIterable<LogLine>, signal: AbortSignal): Promise<void> {
  const { raw } = reply.hijack()
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  raw.flushHeaders()
  try {
    for await (const line of lines) if (!raw.write(`${JSON.stringify(line)}\n`)) await once(raw, 'drain', { signal })
    raw.end()
  } catch (error) {
    if (signal.aborted && !raw.destroyed) {
      raw.end()
      return
    }
    context.log.warn({ err: error }, 'log stream failed')
    breakOff(raw, context)
  }
}

/** The same as events, for browsers. A stream that fails ends with an event `problem`. */
async function sendEvents(context: ApiContext, reply: FastifyReply, lines: AsyncIterable<LogLine>, signal: AbortSignal): Promise<void> {
  const { raw } = reply.hijack()
  using stream = openEventStream(raw, context)
  try {
    for await (const line of lines) {
      stream.send({ event: 'line', data: line })
      if (raw.writableNeedDrain) await once(raw, 'drain', { signal })
    }
  } catch (error) {
    if (!signal.aborted) {
      context.log.warn({ err: error }, 'log stream failed')
      stream.send({ event: 'problem', data: problemAnswer(toCaresError(error), REST_PATHS.logs).problem })
    }
  } finally {
    stream.end()
  }
}
