import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { CaresError } from '../../model/errors.ts'
import type { InvocationRecord } from '../../model/invocation.ts'
import { INVOCATIONS_LISTED_MAX, summaryOf } from '../../model/invocation-list.ts'
import {
  cancelResultSchema,
  explanationSchema,
  type Invocation,
  invocationListSchema,
  invocationSchema,
  invocationStateSchema
} from '../../model/rest-invocations.ts'
import { REST_PATHS } from '../../model/rest-paths.ts'
import type { PeerService } from '../../model/service.ts'
import { breakOff } from '../break-off.ts'
import { callerGone } from '../caller.ts'
import type { ApiContext, App } from '../context.ts'
import { inOnePiece } from '../in-one-piece.ts'
import { duration, explainQuery, pathPart, WAIT_MS_MAX, whole } from '../queries.ts'
import { checkedHeaders, sendAnswer } from '../send-answer.ts'
import { explanationView } from '../views/explanation-view.ts'
import { invocationView } from '../views/invocation-view.ts'
import { peerNames } from '../views/names.ts'
import { documented, documentedText } from './documented.ts'

const LIMIT_DEFAULT = 100

const params = z.object({ id: pathPart })
const listQuery = z.strictObject({
  function: pathPart.optional(),
  state: invocationStateSchema.optional(),
  limit: whole
    .pipe(z.number().min(1).max(INVOCATIONS_LISTED_MAX))
    .optional()
    .describe(`${LIMIT_DEFAULT} if absent, at most ${INVOCATIONS_LISTED_MAX}`),
  gateway: pathPart.optional().describe('only those through this peer, by id or name')
})
const waitQuery = z.strictObject({ wait: duration(WAIT_MS_MAX).optional().describe('answer when it has ended, or after so long: 30s') })

/** Invocations: list, read, wait, cancel, explain, and the answers that are kept. */
export function invocationRoutes(app: App, context: ApiContext): void {
  const { service, clock } = context
  const signalOf = (reply: FastifyReply): AbortSignal => AbortSignal.any([callerGone(reply.raw).signal, context.aborting])

  app.get(
    REST_PATHS.invocations,
    {
      schema: {
        ...documented('invocations', 'List the newest of the whole cluster', { 200: invocationListSchema }),
        description: [
          'Calls are known to the peer that took them in, their gateway: each is asked, and one that does not answer within a second is named in `missing`.',
          'With `gateway` only that one is.'
        ].join(' '),
        querystring: listQuery
      }
    },
    async (request, reply) => {
      const { limit = LIMIT_DEFAULT } = request.query
      const { items, missing } = await service.invocations({ ...request.query, limit }, { signal: signalOf(reply) })
      const name = peerNames(service)
      return { items: items.map(item => invocationView(item, name)), missing: missing.map(name) }
    }
  )

  app.get(
    REST_PATHS.invocation,
    { schema: { ...documented('invocations', 'Read, or wait for its end', { 200: invocationSchema }), params, querystring: waitQuery } },
    async (request, reply) => {
      const { id } = request.params
      const signal = signalOf(reply)
      const waitMs = request.query.wait ?? 0
      const record =
        waitMs === 0
          ? await service.invocation(id, { signal })
          : await service.waitFor(id, { signal: AbortSignal.any([signal, context.stopping, clock.timeout(waitMs)]) })
      return viewOf(service, record)
    }
  )

  app.delete(
    REST_PATHS.invocation,
    { schema: { ...documented('invocations', 'Cancel', { 200: cancelResultSchema }), params } },
    async (request, reply) => {
      const { id } = request.params
      const { found } = await service.cancel(id, { signal: signalOf(reply) })
      return { id, found }
    }
  )

  app.get(
    REST_PATHS.explain,
    { schema: { ...documented('invocations', 'Why there?', { 200: explanationSchema }), params, querystring: explainQuery } },
    async (request, reply) => {
      const { whyNot } = request.query
      const record = await service.invocation(request.params.id, { signal: signalOf(reply) })
      const name = peerNames(service)
      return explanationView(record, {
        invocation: viewOf(service, record),
        name,
        account: service.account(record),
        whyNot: whyNot === undefined ? undefined : name(service.peer(whyNot).profile.id)
      })
    }
  )

  app.get(
    REST_PATHS.result,
    {
      config: { budget: 'calls' },
      schema: {
        ...documentedText('invocations', 'The answer of an asynchronous call', '*/*', 'status, headers and body as the function gave them'),
        params
      }
    },
    async (request, reply) => await sendResult(context, request.params.id, reply, signalOf(reply))
  )
}

async function sendResult(context: ApiContext, id: string, reply: FastifyReply, signal: AbortSignal): Promise<void> {
  const { service, log } = context
  const result = service.result(id)
  if (result === null) throw noResult(await service.invocation(id, { signal }), peerNames(service))
  const headers = checkedHeaders(result.head, [
    ['x-cares-invocation', id],
    ['x-cares-start', result.head.start]
  ])
  reply.hijack()
  try {
    await sendAnswer(reply.raw, { head: result.head, body: inOnePiece(result.body) }, headers, { signal })
  } catch (error) {
    breakOff(reply.raw, context)
    log.debug({ err: error, invocation: id }, 'kept answer cut short')
  }
}

function noResult(record: InvocationRecord, name: ReturnType<typeof peerNames>): CaresError {
  if (record.state === 'queued' || record.state === 'running') {
    return new CaresError('conflict', 'the invocation has not finished', {
      retryable: true,
      hint: 'wait for it: GET /v1/invocations/ID?wait=30s'
    })
  }
  if (record.error !== undefined) {
    return new CaresError('not_found', `the invocation gave no answer: ${record.error.message}`, { details: { cause: record.error.code } })
  }
  return new CaresError('not_found', 'no answer of this invocation is kept here', {
    hint: `ask its gateway ${name(record.gateway).name}; answers of asynchronous calls are kept for a while, others not at all`
  })
}

function viewOf(service: PeerService, record: InvocationRecord): Invocation {
  return invocationView(summaryOf(record, { hasResult: service.result(record.id) !== null }), peerNames(service))
}
