import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A request as {@link Fetch} takes it: the part of the web's `fetch` that the client needs. */
export interface FetchInit {
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Sent as it comes; a string or bytes get a `content-length`, a stream is sent in chunks unless a header says how long it is. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly signal: AbortSignal
}

/** The answer, once its head is there. The body must be read or cancelled: it holds the connection. */
export interface FetchAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: AsyncIterable<Uint8Array>
}

/** One HTTP exchange: resolves with the head of the answer, and rejects where there is none. */
export type Fetch = (url: URL, init: FetchInit) => Promise<FetchAnswer>

/**
 * One HTTP exchange by `node:http`. Not the global `fetch`, because that gives up on an answer that is silent for five minutes, and a
 * function may think for an hour and a stream of events may be silent for a day. Rejects with what the socket said, or with the reason of
 * the signal.
 */
export const nodeFetch: Fetch = async (url, { method, headers, body, signal }) => {
  signal.throwIfAborted()
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = send(url, { method, signal, agent: false })
  for (const [name, value] of headers) request.appendHeader(name, value)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    // Stays for the life of the request: a socket that breaks after the answer has begun is told by the answer's own stream.
    request.on('error', reject)
  })
  // Without this an answer that comes before the body is sent (a refusal) would leave the loser of the two unobserved.
  answered.catch(() => {})
  let sent: Promise<void>
  if (body === undefined) {
    request.end()
    sent = Promise.resolve()
  } else if (typeof body === 'string' || body instanceof Uint8Array) {
    request.end(body)
    sent = Promise.resolve()
  } else {
    sent = pipeline(Readable.from(body, { objectMode: false }), request, { signal })
  }
  const unreadable = new Promise<never>((_, reject) => {
    sent.catch((error: unknown) => {
      // The reader of the body failing (a file that cannot be read) fails the request; a peer that stops listening may still answer.
      if (!isSocketError(error)) reject(error)
    })
  })
  try {
    const response = await Promise.race([answered, unreadable])
    return { status: response.statusCode ?? 0, headers: flatHeaders(response), body: response }
  } catch (error) {
    request.destroy()
    throw signal.aborted ? signal.reason : error
  }
}

function isSocketError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return (
    code === 'EPIPE' ||
    code === 'ECONNRESET' ||
    code === 'ECONNREFUSED' ||
    code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    code === 'ERR_STREAM_DESTROYED'
  )
}

function flatHeaders({ rawHeaders }: IncomingMessage): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    const value = rawHeaders[at + 1] ?? ''
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value)
  }
  return headers
}
