import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { ConnectionError } from 'fastify'
import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { Logger } from '../model/ports/logger.ts'
import { formatBytes } from '../model/units.ts'
import { problemAnswer, type RefinedStatus } from './errors.ts'
import type { App } from './context.ts'
import type { RouteTable } from './route-table.ts'

/** What Fastify itself refuses, in CARES' words. Every other error of its own is a mistake in this room, and answered as `internal`. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [message: string, refined?: RefinedStatus]>> = {
  FST_ERR_BAD_URL: ['the URL is not valid'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['the request body is empty and should be JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['the request body has another length than content-length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['the request body is not JSON'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['the request body should be application/json', 415],
  FST_ERR_MAX_PARAM_LENGTH: ['a part of the path is too long', 414]
}

/** What Node's parser refuses before there is a request. */
const PARSER_ERRORS: Readonly<Record<string, readonly [message: string, refined?: RefinedStatus]>> = {
  HPE_HEADER_OVERFLOW: [`the request headers are larger than ${formatBytes(maxHeaderSize)}`, 431],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['the chunk extensions are too large', 431],
  ERR_HTTP_REQUEST_TIMEOUT: ['the request headers did not arrive in time', 408]
}

/** Answers everything that goes wrong with a problem document. */
export function answerProblems(app: App, { log, routes }: { log: Logger; routes: RouteTable }): void {
  app.setErrorHandler((error, request, reply) => {
    const { error: known, refined } = inOurWords(error)
    if (known.code === 'internal') log.error({ err: error, route: request.routeOptions.url, method: request.method }, 'request failed')
    return sendProblem(reply, request, hidden(known, error), refined)
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
  const [message, refined] = PARSER_ERRORS[error.code] ?? ['the request is not HTTP/1.1']
  const { status, headers, body } = problemAnswer(new CaresError('bad_request', message), '', refined)
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
}

function inOurWords(error: unknown): { error: CaresError; refined?: RefinedStatus | undefined } {
  if (error instanceof CaresError) return { error }
  const { code = '' } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return { error: new CaresError('too_large', 'the request body is too large', { cause: error }) }
  const [message, refined] = FASTIFY_ERRORS[code] ?? []
  if (message === undefined) return { error: toCaresError(error) }
  return { error: new CaresError('bad_request', message, { cause: error }), refined }
}

/** An error that nobody foresaw may say anything: it is in the log, and the client learns only that it is. */
function hidden(known: CaresError, original: unknown): CaresError {
  if (known.code !== 'internal' || original instanceof CaresError) return known
  return new CaresError('internal', 'something went wrong in this peer', { hint: "look into the peer's log", cause: original })
}
