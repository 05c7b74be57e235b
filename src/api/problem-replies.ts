import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ConnectionError } from 'fastify'
import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { Logger } from '../model/ports/logger.ts'
import { formatBytes } from '../model/units.ts'
import { problemAnswer, type RefinedStatus } from './errors.ts'
import type { App } from './context.ts'
import { bodyTooLarge } from './request-body.ts'
import type { RouteTable } from './route-table.ts'

/** For a URL that cannot be read. */
export const URL_HINT = 'write %25 for a percent sign, and percent-encode what is not ASCII'

/** How to put right what is refused before a route sees it. */
interface Refusal {
  readonly message: string
  readonly hint: string
  readonly refined?: RefinedStatus
}

/** What Fastify itself refuses, in CARES' words. Every other error of its own is a mistake in this room, and answered as `internal`. */
const FASTIFY_ERRORS: Readonly<Record<string, Refusal>> = {
  FST_ERR_BAD_URL: { message: 'the URL is not valid', hint: URL_HINT },
  FST_ERR_CTP_EMPTY_JSON_BODY: { message: 'the request body is empty and should be JSON', hint: 'send a body, or no content-type' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    message: 'the request body has another length than content-length says',
    hint: 'send the length of the body in bytes, or transfer-encoding: chunked'
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    message: 'the request body is not JSON',
    hint: 'send one JSON object (RFC 8259); /docs shows one for each path'
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    message: 'the request body should be application/json',
    hint: 'send JSON, with "content-type: application/json"',
    refined: 415
  },
  FST_ERR_MAX_PARAM_LENGTH: { message: 'a part of the path is too long', hint: 'send what is long in the body or the query', refined: 414 }
}

/** What Node's parser refuses before there is a request. */
const PARSER_ERRORS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    message: `the request headers are larger than ${formatBytes(maxHeaderSize)}`,
    hint: 'send fewer or shorter headers, and a shorter URL',
    refined: 431
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    message: 'the chunk extensions are too large',
    hint: 'send none: nothing here reads them',
    refined: 431
  },
  ERR_HTTP_REQUEST_TIMEOUT: { message: 'the request headers did not arrive in time', hint: 'send them in one go', refined: 408 }
}

const NO_HTTP: Refusal = { message: 'the request is not HTTP/1.1', hint: 'use http://, not https:// or HTTP/2' }

/** Answers everything that goes wrong with a problem document. */
export function answerProblems(app: App, { log, routes }: { log: Logger; routes: RouteTable }): void {
  app.setErrorHandler((error, request, reply) => {
    const { error: known, refined } = inOurWords(error, request)
    if (known.code === 'internal') log.error({ err: error, route: request.routeOptions.url, method: request.method }, 'request failed')
    return sendProblem(reply, request, hinted(hidden(known, error), request), refined)
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = routes.methodsFor(request.raw.url ?? '/')
    if (methods.length === 0) {
      const hint = 'see /docs for what this API has'
      return sendProblem(reply, request, new CaresError('not_found', 'there is nothing at this path', { hint }))
    }
    const hint = `use ${methods.join(' or ')}`
    void reply.header('allow', methods.join(', '))
    return sendProblem(reply, request, new CaresError('bad_request', 'this path does not take this method', { hint }), 405)
  })
}

/** Sends an error as `application/problem+json`. */
export function sendProblem(reply: FastifyReply, request: FastifyRequest, error: CaresError, refined?: RefinedStatus): FastifyReply {
  const { status, headers, body } = problemAnswer(error, request.raw.url ?? '', refined)
  return reply.status(status).headers(headers).send(body)
}

/** Answers what could not even be read as a request: there is only a socket. */
export function answerUnreadable(error: ConnectionError, socket: Socket): void {
  // The other side has gone, or has an answer already: there is nothing to say and nobody to say it to.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const { message, hint, refined } = PARSER_ERRORS[error.code] ?? NO_HTTP
  const { status, headers, body } = problemAnswer(new CaresError('bad_request', message, { hint }), '', refined)
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
}

function inOurWords(error: unknown, request: FastifyRequest): { error: CaresError; refined?: RefinedStatus | undefined } {
  if (error instanceof CaresError) return { error }
  const { code = '' } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return { error: bodyTooLarge(request.routeOptions.bodyLimit, 'send less: split it into several requests') }
  const refusal = FASTIFY_ERRORS[code]
  if (refusal === undefined) return { error: toCaresError(error) }
  const { message, hint, refined } = refusal
  return { error: new CaresError('bad_request', message, { hint, cause: error }), refined }
}

/** A field or header that is not allowed says what is wrong with it; what would be right stands in the description of its route. */
function hinted(error: CaresError, { method, routeOptions }: FastifyRequest): CaresError {
  if (error.code !== 'invalid' || error.hint !== undefined) return error
  const { code, message, details, retryable } = error
  return new CaresError(code, message, { details, retryable, hint: `see /docs for what ${method} ${routeOptions.url} takes`, cause: error })
}

/** An error that nobody foresaw may say anything: it is in the log, and the client learns only that it is. */
function hidden(known: CaresError, original: unknown): CaresError {
  if (known.code !== 'internal' || original instanceof CaresError) return known
  return new CaresError('internal', 'something went wrong in this peer', { hint: "look into the peer's log", cause: original })
}
