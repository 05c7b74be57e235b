import type { IncomingMessage } from 'node:http'
import { endToEnd } from '../model/end-to-end-headers.ts'
import { CaresError } from '../model/errors.ts'
import { type CallHead, CLIENT_HEADERS_MAX, type Headers, PARAMS_HEADER } from '../model/invocation.ts'
import { WAYS_HEADER } from '../model/llc.ts'

/** Of CARES' own headers, those that are about the call and go to its worker. */
const PASSED_ON = new Set([PARAMS_HEADER, WAYS_HEADER])

/**
 * The part of a request that goes to the function: path and query byte for byte as they were sent, headers in their order, without those of the
 * connection and without `x-cares-…`, which are CARES' own, but for the parameters that a call declares and the ways of the cache it is to have.
 *
 * Throws `bad_request` for more headers than pass between peers, whichever peer will run the call.
 *
 * @param prefixSegments - path segments before the function's own path: 2 for `/fn/NAME`
 * @param dropAuthorization - the `Authorization` header was for this peer
 */
export function readCallHead(
  request: IncomingMessage,
  { prefixSegments, dropAuthorization }: { prefixSegments: number; dropAuthorization: boolean }
): CallHead {
  const { path, query } = splitTarget(request.url ?? '/', prefixSegments)
  return {
    method: request.method ?? 'GET',
    path,
    query,
    headers: callHeaders(request, dropAuthorization),
    ...declaredLength(request)
  }
}

/** Headers of an answer or call that may travel on: end to end, none of CARES, and no `content-length`, with which the two servers deal. */
export function travellingHeaders(headers: Headers): Headers {
  return endToEnd(headers).filter(([name]) => name !== 'content-length' && (!name.startsWith('x-cares-') || PASSED_ON.has(name)))
}

function callHeaders(request: IncomingMessage, dropAuthorization: boolean): Headers {
  const raw = Array.from(
    { length: request.rawHeaders.length / 2 },
    (_, i) => [request.rawHeaders[i * 2] ?? '', request.rawHeaders[i * 2 + 1] ?? ''] as const
  )
  const headers = travellingHeaders(raw).filter(([name]) => name !== 'x-forwarded-for' && !(dropAuthorization && name === 'authorization'))
  if (headers.length > CLIENT_HEADERS_MAX) {
    throw new CaresError('bad_request', `the call has ${headers.length} headers, and may have ${CLIENT_HEADERS_MAX}`, {
      hint: 'send fewer, or what they say in the body'
    })
  }
  const forwarded = raw.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value)
  const addresses = [...forwarded, request.socket.remoteAddress ?? ''].filter(address => address !== '')
  return addresses.length === 0 ? headers : [...headers, ['x-forwarded-for', addresses.join(', ')]]
}

/** The client's own bytes, not what the router made of them: a function may tell `%2F` from `/`. */
function splitTarget(target: string, prefixSegments: number): { path: string; query: string } {
  // A proxy's client may send the absolute form (RFC 9112, 3.2.2).
  const [, whole = '/', query = ''] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i.exec(target) ?? []
  let end = 0
  for (let i = 0; i < prefixSegments && end !== -1; i++) end = whole.indexOf('/', end + 1)
  return { path: end === -1 ? '/' : whole.slice(end), query }
}

function declaredLength({ headers }: IncomingMessage): { bodyBytes?: number } {
  if (headers['transfer-encoding'] !== undefined) return {}
  const bodyBytes = Number(headers['content-length'] ?? 0)
  if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0)
    throw new CaresError('bad_request', 'content-length is not a number of bytes', {
      hint: 'send the length of the body, or transfer-encoding: chunked'
    })
  return { bodyBytes }
}
