import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { CaresError } from '../../model/errors.ts'
import { checkIdempotencyKey } from '../../model/idempotency-key.ts'
import { type Headers, PARAMS_HEADER, SWITCHING_PROTOCOLS } from '../../model/invocation.ts'
import { paramsSchema } from '../../model/rest-admissions.ts'
import { acceptedSchema } from '../../model/rest-invocations.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'
import type { InvocationAnswer, InvocationRequest } from '../../model/service.ts'
import { parseDurationMs } from '../../model/units.ts'
import { parseWith } from '../../model/validation.ts'
import { readCallHead } from '../call-head.ts'
import { readCallPolicy } from '../call-policy.ts'
import type { ApiContext, App } from '../context.ts'
import { breakOff } from '../break-off.ts'
import { callerGone } from '../caller.ts'
import { chargedCaller } from '../charged-caller.ts'
import { pathPart } from '../queries.ts'
import { bodyTooLarge, requestBody } from '../request-body.ts'
import { checkedHeaders, sendAnswer } from '../send-answer.ts'
import { peerNames } from '../views/names.ts'
import { callsByWebSocket, createUpgrades, fromClient, sendToClient } from '../web-socket.ts'
import { documented, documentedText } from './documented.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Largest body of an asynchronous call: it is kept in memory until the call is placed. */
const ASYNC_BODY_BYTES_MAX = 2 ** 20

/** For a body that no call may have. */
const LARGE_HINT = 'tell the function a place where it finds the data instead'

/** Where calls arrive, with how many path segments come before the function's own path. OpenFaaS clients know the other names. */
const SYNC_PREFIXES = ['/fn', '/function'] as const
const ASYNC_PREFIXES = ['/async', '/async-function'] as const
const PREFIX_SEGMENTS = 2

/**
 * The routes that call functions. Nothing of a body is parsed or gathered here: bytes go in and out as they come, and a caller who goes away
 * takes its call with it.
 */
export function callRoutes(app: App, context: ApiContext): void {
  // A body of any type is the function's business: Fastify is told that there is none, and the handlers read the request itself.
  app.addHook('preParsing', async request => {
    request.headers = { 'content-type': undefined, 'content-length': undefined, 'transfer-encoding': undefined }
  })
  const upgrades = createUpgrades(app.server)
  // A connection whose WebSocket was refused is no HTTP connection any more: nothing else will ever come of it.
  app.addHook('onResponse', async ({ raw }) => {
    if (upgrades.socketOf(raw) !== undefined) raw.socket.destroySoon()
  })
  const atName = z.object({ name: pathPart })
  const below = z.object({ name: pathPart, '*': z.string() })
  // The query, too, is the function's.
  const querystring = z.looseObject({})
  const config = { budget: 'calls' } as const
  for (const prefix of SYNC_PREFIXES) {
    const schema = {
      ...documentedText('calls', 'Call a function', '*/*', 'the answer of the function: its status, headers and body'),
      description: CALL_DESCRIPTION,
      querystring
    }
    for (const url of [`${prefix}/:name`, `${prefix}/:name/*`]) {
      app.route({
        method: METHODS,
        url,
        config,
        schema: { ...schema, params: url.endsWith('*') ? below : atName, hide: prefix !== '/fn' },
        handler: (request, reply) => {
          const socket = upgrades.socketOf(request.raw)
          const { name } = request.params
          return socket === undefined ? call(context, request, reply, name) : openSocket(context, request, reply, { name, socket })
        }
      })
    }
  }
  for (const prefix of ASYNC_PREFIXES) {
    const schema = { ...documented('calls', 'Call a function, and fetch its answer later', { 202: acceptedSchema }), querystring }
    for (const url of [`${prefix}/:name`, `${prefix}/:name/*`]) {
      app.post(
        url,
        { config, schema: { ...schema, params: url.endsWith('*') ? below : atName, hide: prefix !== '/async' } },
        async (request, reply) => await callLater(context, request, reply, request.params.name)
      )
    }
  }
}

const CALL_DESCRIPTION = [
  'Any method, any path below the function, any body. Request headers that CARES reads: `Idempotency-Key` (the same key at the same peer gets the same answer; with another request it is refused),',
  '`x-cares-on` (run on this peer only), `x-cares-timeout` (such as `5s`; shorter than the function’s own), `x-cares-caller` (who is charged in',
  'the ledger of costs), `x-cares-params` (what the cost of the call depends on beside its size; the function sees it, too), `x-cares-ways` (confine',
  'it to so many ways of the last-level cache, to measure how it takes that; a peer that cannot refuses it), `x-cares-objective` (`latency`,',
  '`balanced` or `cheap`: placed by the strategy `cost` with that aim), `x-cares-max-cost` (US dollars, such as `0.001`: refused where it is',
  'expected to cost more, once 3 runs are known; the function’s own limit holds, too), `x-cares-require` (labels that its worker must have beside those that the function requires, such as',
  '`zone=eu,gpu`). The answer carries',
  '`x-cares-invocation`, `x-cares-peer`, `x-cares-start`, `x-cares-placement` and `server-timing`; where it is chunked, the complete',
  '`server-timing` comes as a trailer. An answer that breaks off closes the connection without its proper end.',
  'A GET that asks for a WebSocket (RFC 6455) is passed on to `http` functions: it must open within the time that a call may take, ends when both',
  'sides are silent for as long, after a day, or when a peer on its way is lost, and counts as one call.',
  'A page that a function sends runs in an origin of its own: the answer carries `content-security-policy: sandbox allow-scripts …`, unless the',
  'function’s own policy is as strict. To give a function an origin, put a proxy with another host name before it that takes the header away.'
].join(' ')

async function call(context: ApiContext, request: FastifyRequest, reply: FastifyReply, name: string): Promise<void> {
  const { service, clock, log, metrics, expectations } = context
  const startedMs = clock.nowMs()
  const caller = callerGone(reply.raw)
  const signal = AbortSignal.any([caller.signal, context.aborting])
  const invocation = readCall(context, request, reply, name, {
    bytesMax: context.bodyBytesMax,
    onBodyError: error => caller.abort(error)
  })
  const answer = await service.invoke(invocation, { signal }).catch((error: unknown) => {
    // A body that was refused half way is the first cause, whatever the service made of it.
    throw signal.aborted ? signal.reason : error
  })
  const headers = await headersOf(answer, context, request)
  if (answer.rest !== undefined) expectations.readOn(request.raw, answer.rest)
  reply.hijack()
  try {
    await sendAnswer(reply.raw, answer, headers, { signal })
  } catch (error) {
    // The head is out: only a connection that ends too early tells the client that this is not all.
    breakOff(reply.raw, context)
    log.debug({ err: error, invocation: answer.invocation }, 'answer cut short')
  } finally {
    metrics.observe(name, clock.nowMs() - startedMs)
  }
}

/** A call whose client asks to go on by WebSocket. A function that does not want to answers it as any other call. */
async function openSocket(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { name, socket }: { name: string; socket: Duplex }
): Promise<void> {
  const { service, log } = context
  reply.raw.shouldKeepAlive = false
  const caller = callerGone(reply.raw)
  // A WebSocket would not end by itself when this peer stops.
  const signal = AbortSignal.any([caller.signal, context.stopping])
  const { head, ...invocation } = readCall(context, request, reply, name, { bytesMax: 0, onBodyError: error => caller.abort(error) })
  const { bodyBytes: _, ...rest } = head
  const body = fromClient(socket)
  const answer = await service.invoke({ ...invocation, head: { ...rest, webSocket: true }, body }, { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error
  })
  const headers = await headersOf(answer, context, request)
  reply.hijack()
  try {
    if (answer.head.status === SWITCHING_PROTOCOLS) await sendToClient(socket, answer, headers, { signal })
    else await sendAnswer(reply.raw, answer, headers, { signal })
  } catch (error) {
    log.debug({ err: error, invocation: answer.invocation }, 'WebSocket of a function cut short')
  } finally {
    // Either way this was the connection's last word; what has been written still arrives.
    breakOff(reply.raw, context)
  }
}

/** The headers that an answer goes out with. An answer that HTTP does not allow is not read any further. */
async function headersOf(answer: InvocationAnswer, { service }: ApiContext, request: FastifyRequest): Promise<Headers> {
  try {
    const peer = peerNames(service)(answer.worker)
    const own: Headers = [
      ['x-cares-invocation', answer.invocation],
      ['x-cares-peer', peer.id],
      ['x-cares-start', answer.head.start],
      ['x-cares-placement', answer.placement],
      ...(isAlias(request) ? ([['x-call-id', answer.invocation]] as const) : [])
    ]
    return checkedHeaders(answer.head, own, { maySwitch: callsByWebSocket(request.raw) })
  } catch (error) {
    await answer.body[Symbol.asyncIterator]().return?.()
    throw error
  }
}

async function callLater(context: ApiContext, request: FastifyRequest, reply: FastifyReply, name: string) {
  if (request.raw.headers['x-callback-url'] !== undefined) {
    throw new CaresError('invalid', 'x-callback-url is not supported', {
      hint: 'ask for the result at the Location of the answer, with ?wait=30s'
    })
  }
  const caller = callerGone(reply.raw)
  const invocation = readCall(context, request, reply, name, {
    bytesMax: Math.min(ASYNC_BODY_BYTES_MAX, context.bodyBytesMax),
    tooLargeHint: 'call it at /fn/NAME, which takes more',
    onBodyError: error => caller.abort(error)
  })
  const accepted = await context.service.invokeAsync(invocation, { signal: caller.signal }).catch((error: unknown) => {
    throw caller.signal.aborted ? caller.signal.reason : error
  })
  const location = restPath(REST_PATHS.invocation, { id: accepted.invocation })
  void reply.status(202).headers({ location, 'x-cares-invocation': accepted.invocation })
  if (isAlias(request)) void reply.header('x-call-id', accepted.invocation)
  return { invocation: accepted.invocation, location, state: 'queued' as const }
}

function readCall(
  { access, expectations }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  {
    bytesMax,
    tooLargeHint = LARGE_HINT,
    onBodyError
  }: { bytesMax: number; tooLargeHint?: string; onBodyError: (error: CaresError) => void }
): InvocationRequest {
  const { raw } = request
  if (name === '')
    throw new CaresError('not_found', 'the path names no function', { hint: 'call one at /fn/NAME; GET /v1/functions lists them' })
  const head = readCallHead(raw, { prefixSegments: PREFIX_SEGMENTS, dropAuthorization: access.authenticates(raw) })
  if ((head.bodyBytes ?? 0) > bytesMax) throw bodyTooLarge(bytesMax, tooLargeHint)
  const idempotencyKey = header(raw.headers['idempotency-key'])
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
  const timeout = header(raw.headers['x-cares-timeout'])
  const declared = header(raw.headers[PARAMS_HEADER])
  if (declared !== undefined) parseWith(paramsSchema, declared, PARAMS_HEADER)
  return {
    function: name,
    head,
    body:
      head.bodyBytes === 0
        ? noBody()
        : reported(requestBody(raw, { bytesMax, tooLargeHint, onStart: () => expectations.proceed(raw, reply.raw) }), onBodyError),
    idempotencyKey,
    on: header(raw.headers['x-cares-on']),
    caller: chargedCaller(raw.headers),
    timeoutMs: timeout === undefined ? undefined : positive(parseDurationMs(timeout)),
    asked: readCallPolicy(raw.headers)
  }
}

/** Passes the body on, and tells of its failure, which the reader of the body may know only as the end of its own work. */
async function* reported(body: AsyncGenerator<Uint8Array, void>, onError: (error: CaresError) => void): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body
  } catch (error) {
    if (error instanceof CaresError) onError(error)
    throw error
  }
}

async function* noBody(): AsyncGenerator<Uint8Array, void> {}

function positive(ms: number): number {
  if (ms === 0)
    throw new CaresError('invalid', 'x-cares-timeout must be longer than nothing', {
      hint: 'write a duration like 250ms or 30s, or leave it out'
    })
  return ms
}

function header(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function isAlias({ raw }: FastifyRequest): boolean {
  return /^\/(?:async-)?function\//.test(raw.url ?? '')
}
