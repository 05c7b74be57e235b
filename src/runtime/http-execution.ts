import { maxHeaderSize } from 'node:http'
import { endToEnd } from '../model/end-to-end-headers.ts'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import { type CallHead, type Headers, HEADERS_MAX, type Usage } from '../model/invocation.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ExecutionAnswer, ExecutionCall } from '../model/ports/runtime.ts'
import { formatBytes } from '../model/units.ts'
import type { Exit } from './driver.ts'
import { type Ending, toCancelled } from './ending.ts'
import { exitError } from './exit-error.ts'
import type { Lease } from './http-pool.ts'
import { type HttpResponse, sendRequest, type UpgradedResponse } from './http-request.ts'
import { upload, type UploadResponse } from './http-upload.ts'
import { converse } from './web-socket.ts'
import { within } from './within.ts'

/**
 * After a connection breaks, how long to wait for the engine to say whether the container has ended, and how. An engine takes some 40 ms; a container
 * that is still there after this has only closed the connection.
 */
const EXIT_WAIT_MS = 1_000

/** The last one of RFC 9110 section 15. The client takes larger ones, and no gateway could pass them on. */
const STATUS_MAX = 599
const STATUS_MIN = 100

/** A call that has so much of its function's time left when it comes to its worker has all of it: some is gone on the way. */
const FULL_TIME_RATIO = 0.9

/** What one call of a serving container needs. */
export interface HttpRun {
  readonly lease: Lease
  readonly fn: FunctionRecord
  readonly call: ExecutionCall
  readonly ending: Ending
  readonly clock: Clock
  /** Set once the connection is a WebSocket. */
  readonly isWebSocket?: boolean
}

/** Sends one call to a container that serves. Resolves when the head of the answer is known; gives the lease back in every case. */
export async function executeHttp(run: HttpRun): Promise<ExecutionAnswer> {
  const { lease, fn, call, ending, clock } = run
  const startedMs = clock.nowMs()
  const cpuBefore = lease.instance.measure().cpuMs
  const input = { bytes: 0 }
  const timing = { queueMs: 0, pullMs: lease.start === 'cold' ? lease.instance.pullMs : 0, startMs: lease.startMs }
  const usage = (bytesOut: number): Usage => {
    const { cpuMs, memoryPeakBytes } = lease.instance.measure()
    const isKnown = lease.alone() && cpuMs !== undefined && cpuBefore !== undefined
    return {
      ...timing,
      runMs: clock.nowMs() - startedMs,
      cpuMs: isKnown ? cpuMs - cpuBefore : undefined,
      memoryPeakBytes,
      bytesIn: input.bytes,
      bytesOut
    }
  }
  try {
    const { method, path, query, webSocket } = call.head
    const body = webSocket === true ? null : await toRequestBody(call, input, ending)
    const request = { method, path: query === '' ? path : `${path}?${query}`, headers: requestHeaders(call.head) }
    const response = await send(run, request, body)
    if (response.status > STATUS_MAX || response.status < STATUS_MIN) {
      if ('body' in response) response.body.cancel()
      throw new Error(`its status is ${response.status}, and HTTP has none below ${STATUS_MIN} or above ${STATUS_MAX}`)
    }
    const headers = endToEnd(response.headers)
    if (headers.length > HEADERS_MAX) {
      if ('body' in response) response.body.cancel()
      else response.socket.destroy()
      throw new Error(`it has ${headers.length} headers, and may have ${HEADERS_MAX}`)
    }
    const head = { status: response.status, headers, start: lease.start, timing }
    if ('socket' in response) {
      const conversation = converse(response.socket, counted(call.body, input, ending), { idleMs: fn.timeoutMs, ending, clock })
      return { head, ...streamed({ ...run, isWebSocket: true }, conversation, usage) }
    }
    const rest = 'rest' in response ? response.rest : undefined
    const arrived = response.body.arrived()
    if (arrived === undefined) return { head, rest, ...streamed(run, response.body, usage, rest) }
    const end = { usage: usage(arrived.length) }
    finish(run, rest)
    return { head, rest, body: once(arrived), end: Promise.resolve(end), whole: { body: arrived, end } }
  } catch (error) {
    throw await settle(run, error, () => usage(0))
  }
}

/** A body that comes in pieces is sent in a way that outlives its answer; everything else takes a connection that is open already. */
async function send(
  { lease, call, ending, clock }: HttpRun,
  request: { method: string; path: string; headers: Headers },
  body: AsyncIterable<Uint8Array> | Uint8Array | null
): Promise<HttpResponse | UpgradedResponse | UploadResponse> {
  if (body !== null && !(body instanceof Uint8Array)) {
    const { host, port } = lease.instance
    return upload({ host, port, ...request, body }, { signal: ending.signal, clock })
  }
  const options = { ...request, headers: request.headers.flat(), body }
  return sendRequest(lease.client, call.head.webSocket === true ? { ...options, upgrade: 'websocket' } : options, ending)
}

/** The answer has ended well: the place is free once the function takes no more input, which its time and its caller may still cut short. */
function finish({ lease, ending }: HttpRun, rest: Promise<void> | undefined): void {
  const over = (): void => {
    ending.close()
    lease.release({ trusted: true })
  }
  if (rest === undefined) over()
  else void rest.then(over)
}

/** The answer's body, and what became of it. */
function streamed(
  run: HttpRun,
  response: AsyncIterable<Uint8Array>,
  usage: (bytesOut: number) => Usage,
  rest?: Promise<void>
): Pick<ExecutionAnswer, 'body' | 'end'> {
  const { ending } = run
  const { promise: end, resolve, reject } = Promise.withResolvers<{ usage: Usage }>()
  // The body throws the same error, so a reader that has not come to `end` yet must not bring the process down.
  end.catch(() => {})
  let bytesOut = 0
  // Also when nobody reads the body any more, a cut ends the answer.
  const onCut = (): void => {
    void settle(run, ending.signal.reason, () => usage(bytesOut)).then(reject)
  }
  ending.signal.addEventListener('abort', onCut, { once: true })
  async function* body(): AsyncGenerator<Uint8Array> {
    let whole = false
    try {
      for await (const chunk of response) {
        bytesOut += chunk.length
        yield chunk
      }
      whole = true
      ending.signal.removeEventListener('abort', onCut)
      resolve({ usage: usage(bytesOut) })
      finish(run, rest)
    } catch (error) {
      whole = true
      const failure = await settle(run, error, () => usage(bytesOut))
      reject(failure)
      throw failure
    } finally {
      if (!whole) ending.cut(new CaresError('cancelled', 'the answer was not read to its end'))
    }
  }
  return { body: body(), end }
}

/** Gives the lease back after a failure, tells what the call had taken by then, and says what the failure was. */
async function settle(
  { lease, fn, call, ending, clock, isWebSocket = false }: HttpRun,
  error: unknown,
  usage: () => Usage
): Promise<CaresError> {
  const isUnsent = !ending.signal.aborted && isRequestFault(error)
  if (!isUnsent) call.onFailed?.({ start: lease.start, usage: usage() })
  if (ending.signal.aborted) {
    const cause = ending.signal.reason as CaresError
    // A program that ran out of time may be stuck, and one that serves only this call is still busy with it. Where others share it, a closed
    // connection is how HTTP tells a server that nobody waits any more: the caller who leaves, or who gave the call less time than its function has.
    // When calls have waited elsewhere for most of their time, ending their containers too would leave nothing to serve the next ones. An open
    // WebSocket is not waited for in the first place.
    const isCallersWish = cause.code === 'cancelled' || (cause.code === 'timeout' && ending.timeoutMs < fn.timeoutMs * FULL_TIME_RATIO)
    lease.release({ trusted: isWebSocket || (isCallersWish && fn.concurrency > 1) })
    return cause
  }
  ending.close()
  if (isUnsent) {
    lease.release({ trusted: true })
    return new CaresError('bad_request', `the call cannot be sent as HTTP: ${(error as Error).message}`, { cause: error })
  }
  const exit = await within(lease.instance.exited, EXIT_WAIT_MS, clock)
  lease.release({ trusted: false })
  return exit === undefined ? brokenOff(fn, error) : diedWhileServing(fn, exit, lease.tail.text())
}

/** What the two clients say of an answer's headers that are too large. */
const HEADERS_OVERFLOW: ReadonlySet<unknown> = new Set(['UND_ERR_HEADERS_OVERFLOW', 'HPE_HEADER_OVERFLOW'])

function brokenOff(fn: FunctionRecord, cause: unknown): CaresError {
  if (HEADERS_OVERFLOW.has(codeOf(cause))) {
    const hint = 'send less in headers, mostly in cookies: the body has no such limit'
    return new CaresError('function_protocol', `the headers of the answer of ${fn.name} are larger than ${formatBytes(maxHeaderSize)}`, {
      hint,
      cause
    })
  }
  // The client of the warm connections does not expect a status below 100.
  const isStrange = codeOf(cause) === 'ERR_ASSERTION'
  const why = isStrange ? 'it is not HTTP, or its status is below 100' : cause instanceof Error ? cause.message : String(cause)
  return new CaresError('function_protocol', `${fn.name} broke off its answer: ${why}`, {
    hint: `what it wrote: cares logs ${fn.name}`,
    cause
  })
}

function diedWhileServing(fn: FunctionRecord, exit: Exit, stderr: string): CaresError {
  const memoryHint = 'give the function more memory, or less concurrency'
  return exitError(fn, exit, stderr, { code: 'function_protocol', during: ' while it served the call', memoryHint })
}

/** What the two clients say of a request that they will not send. */
const REQUEST_FAULTS: ReadonlySet<unknown> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'ERR_HTTP_INVALID_HEADER_VALUE',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_UNESCAPED_CHARACTERS'
])

function isRequestFault(error: unknown): boolean {
  return REQUEST_FAULTS.has(codeOf(error))
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function requestHeaders(head: CallHead): Headers {
  const headers = endToEnd(head.headers).filter(([name]) => name !== 'content-length')
  return head.bodyBytes !== undefined && head.bodyBytes > 0 ? [...headers, ['content-length', String(head.bodyBytes)]] : headers
}

/** Nothing for a call without a body, whether or not its head said so: a GET must not arrive with chunked encoding. */
async function toRequestBody(
  { head, body, inline }: ExecutionCall,
  input: { bytes: number },
  ending: Ending
): Promise<AsyncIterable<Uint8Array> | Uint8Array | null> {
  if (inline !== undefined) {
    input.bytes = inline.length
    return inline.length === 0 ? null : inline
  }
  if (head.bodyBytes === 0) return null
  const chunks = counted(body, input, ending)
  const first = await chunks.next()
  if (first.done === true) return null
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield first.value as Uint8Array
    yield* chunks
  }
  return whole()
}

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body
}

async function* counted(body: AsyncIterable<Uint8Array>, input: { bytes: number }, ending: Ending): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      input.bytes += chunk.length
      yield chunk
    }
  } catch (error) {
    ending.cut(toCancelled(error))
    throw error
  }
}
