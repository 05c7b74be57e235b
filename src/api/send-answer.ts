import { once } from 'node:events'
import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import { CaresError } from '../model/errors.ts'
import { type AnswerHead, type Headers, SWITCHING_PROTOCOLS, type Usage, type WholeAnswer } from '../model/invocation.ts'
import { travellingHeaders } from './call-head.ts'

/** What a function answered, ready to go out. */
export interface OutgoingAnswer {
  readonly head: AnswerHead
  readonly body: AsyncIterable<Uint8Array>
  /** Settles after the body. Absent for an answer that is complete already. */
  readonly end?: Promise<{ usage: Usage }> | undefined
  /** All of it, where it is known: it goes out in one piece. */
  readonly whole?: WholeAnswer | undefined
}

const TIMING = 'server-timing'

const POLICY = 'content-security-policy'

/**
 * Functions answer at the address of the dashboard and the API. A page that one of them sends runs in an origin of its own (no `allow-same-origin`):
 * it can neither read what the dashboard keeps nor ask the API as the dashboard's user. See "sandbox" in Content Security Policy Level 3, 6.3.
 */
const SANDBOX = [POLICY, 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads'] as const

/**
 * Streams an answer, at the client's pace. The head must have passed {@link checkedHeaders}.
 *
 * The response ends well only when all of the answer has been sent. Otherwise it throws, and the caller destroys the connection: a client must
 * never take half an answer for a whole one.
 */
export async function sendAnswer(
  response: ServerResponse,
  { head, body, end, whole }: OutgoingAnswer,
  headers: Headers,
  { signal }: { signal: AbortSignal }
): Promise<void> {
  const hasBody = response.req.method !== 'HEAD' && head.status !== 204 && head.status !== 304
  response.statusCode = head.status
  for (const [name, value] of headers) response.appendHeader(name, value)
  const timing = whole?.end.usage ?? head.timing
  if (timing !== undefined) response.appendHeader(TIMING, timingText(timing))
  if (whole !== undefined) {
    sendWhole(response, whole.body, headers, { hasBody })
    return
  }
  const length = hasBody ? declaredLength(headers) : undefined
  const chunked = hasBody && length === undefined && response.req.httpVersionMinor > 0
  // Node leaves out trailers of a response that turns out not to be chunked; only the promise of them must not be made then.
  if (chunked && end !== undefined) response.setHeader('trailer', TIMING)
  // Head, first bytes and often the end come in one turn: they go out in one packet.
  const { socket } = response
  socket?.cork()
  setImmediate(() => socket?.uncork())
  response.flushHeaders()

  let sent = 0
  for await (const chunk of body) {
    signal.throwIfAborted()
    if (!hasBody) continue
    sent += chunk.byteLength
    if (length !== undefined && sent > length) throw lengthBroken(length)
    if (!response.write(chunk)) await once(response, 'drain', { signal })
  }
  const usage = (await end)?.usage
  if (length !== undefined && sent < length) throw lengthBroken(length)
  if (chunked && usage !== undefined) response.addTrailers({ [TIMING]: timingText(usage) })
  response.end()
}

function sendWhole(response: ServerResponse, body: Uint8Array, headers: Headers, { hasBody }: { hasBody: boolean }): void {
  const length = declaredLength(headers)
  if (!hasBody) {
    response.end()
    return
  }
  if (length !== undefined && length !== body.byteLength) throw lengthBroken(length)
  if (length === undefined) response.setHeader('content-length', body.byteLength)
  response.end(body)
}

/**
 * The function's headers as they may be sent, with those of CARES and the sandbox of its pages, unless its own policy is as strict: a browser
 * keeps to every policy that it is sent, so none of a function can loosen this one. Throws `function_protocol` for a head that HTTP does not allow.
 *
 * @param maySwitch - the client has asked for another protocol
 */
export function checkedHeaders(head: AnswerHead, own: Headers, { maySwitch = false }: { maySwitch?: boolean } = {}): Headers {
  const isStatus = Number.isInteger(head.status) && head.status >= 200 && head.status <= 599
  if (!isStatus && !(maySwitch && head.status === SWITCHING_PROTOCOLS)) {
    throw new CaresError('function_protocol', `the function answered with status ${head.status}`, { hint: 'answer with 200 to 599' })
  }
  const headers = travellingHeadersOfAnswer(head.headers)
  try {
    for (const [name, value] of headers) {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    }
  } catch (cause) {
    throw new CaresError('function_protocol', 'the function answered with a header that HTTP does not allow', { cause })
  }
  if (new Set(lengths(head.headers)).size > 1 || lengths(head.headers).some(length => !/^\d{1,15}$/.test(length))) {
    throw new CaresError('function_protocol', 'the function answered with a content-length that is none')
  }
  return isSandboxed(headers) ? [...headers, ...own] : [...headers, ...own, SANDBOX]
}

function isSandboxed(headers: Headers): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === POLICY && /(^|[;,])\s*sandbox\b/i.test(value) && !/allow-same-origin/i.test(value)
  )
}

/** `Content-Length` is left in: the client may want to know how far it has got. */
function travellingHeadersOfAnswer(headers: Headers): Headers {
  const [length] = lengths(headers)
  const travelling = travellingHeaders(headers)
  return length === undefined ? travelling : [...travelling, ['content-length', length]]
}

function lengths(headers: Headers): readonly string[] {
  return headers.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value.trim())
}

function declaredLength(headers: Headers): number | undefined {
  const [length] = lengths(headers)
  return length === undefined ? undefined : Number(length)
}

function lengthBroken(length: number): CaresError {
  return new CaresError('function_protocol', `the function promised ${length} bytes and did not keep to it`)
}

/** https://www.w3.org/TR/server-timing/ */
function timingText(timing: Pick<Usage, 'queueMs' | 'pullMs' | 'startMs'> & { readonly runMs?: number }): string {
  const entries = [
    ['queue', timing.queueMs],
    ['pull', timing.pullMs],
    ['start', timing.startMs],
    ['run', timing.runMs]
  ] as const
  return entries.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name};dur=${Number(ms.toFixed(1))}`])).join(', ')
}
