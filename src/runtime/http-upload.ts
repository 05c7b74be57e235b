import { type ClientRequest, type IncomingMessage, request as open } from 'node:http'
import type { Headers } from '../model/invocation.ts'
import type { Clock } from '../model/ports/clock.ts'
import { type HttpResponse, ResponseBody } from './http-request.ts'

/**
 * A server that has answered and then takes nothing of what it is sent for so long is not going to read it; nor is anything it could say then still
 * of use. As long as a slow disk may take.
 */
const STALLED_MS_MAX = 5_000

/** A request whose body comes in pieces. */
export interface UploadRequest {
  readonly host: string
  readonly port: number
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Headers
  readonly body: AsyncIterable<Uint8Array>
}

/** An answer to a request that may not have been sent to its end yet. */
export interface UploadResponse extends HttpResponse {
  /**
   * Resolves when nothing is sent any more: the request and its answer have ended, or one of them was cut, or the server has answered and takes no more
   * of its input. Never rejects.
   */
  readonly rest: Promise<void>
}

/**
 * Sends a request on a connection of its own, at the server's pace. A server may answer before it has read its input, and read on (RFC 9112 section
 * 9.6 asks of a client to stop only where the connection closes): the client of the warm connections would close one on which that happens.
 *
 * Throws what broke the connection, or the signal's reason. After the head an abort ends the body with that reason.
 */
export async function upload(
  { host, port, method, path, headers, body }: UploadRequest,
  { signal, clock }: { signal: AbortSignal; clock: Clock }
): Promise<UploadResponse> {
  signal.throwIfAborted()
  const request = open({ host, port, method, path, agent: false, setHost: !headers.some(([name]) => name === 'host') })
  const { promise, resolve, reject } = Promise.withResolvers<UploadResponse>()
  const { promise: rest, resolve: over } = Promise.withResolvers<void>()
  const sender = new Sender(request, clock)
  let answer: ResponseBody | undefined
  const onAbort = (): void => void request.destroy(signal.reason as Error)
  const fail = (error: Error): void => {
    reject(error)
    answer?.fail(error)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  request.on('error', fail)
  request.once('close', () => {
    signal.removeEventListener('abort', onAbort)
    // Says nothing to an answer that came whole.
    fail(new Error('the connection was closed'))
    over()
  })
  request.once('response', response => {
    answer = bodyOf(request, response, fail)
    response.once('end', () => sender.onAnswered())
    resolve({ status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders), body: answer, rest })
  })
  try {
    writeHead(request, headers)
    void sender.send(body)
  } catch (error) {
    request.destroy(error as Error)
  }
  return promise
}

/** Throws for a header that HTTP does not allow. */
function writeHead(request: ClientRequest, headers: Headers): void {
  const names = new Set(headers.map(([name]) => name))
  for (const [name, value] of headers) request.appendHeader(name, value)
  // Not for a second request: a server that was told to close would do so after its answer, whatever is still on its way.
  request.setHeader('connection', 'keep-alive')
  if (!names.has('content-length')) request.setHeader('transfer-encoding', 'chunked')
}

function bodyOf(request: ClientRequest, response: IncomingMessage, fail: (error: Error) => void): ResponseBody {
  const body = new ResponseBody({
    get paused() {
      return response.isPaused()
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    abort: reason => void request.destroy(reason)
  })
  response.on('data', (chunk: Buffer) => body.push(chunk))
  response.once('end', () => body.end())
  response.on('error', fail)
  return body
}

/** Sends the body of one request. */
class Sender {
  readonly #request: ClientRequest
  readonly #clock: Clock
  #hasAnswered = false
  #isWaiting = false
  #stalled: Disposable | undefined

  constructor(request: ClientRequest, clock: Clock) {
    this.#request = request
    this.#clock = clock
  }

  /** Never rejects: what goes wrong is the request's error. */
  async send(body: AsyncIterable<Uint8Array>): Promise<void> {
    const request = this.#request
    try {
      for await (const chunk of body) {
        if (request.destroyed) return
        // Not its event `drain`: of a request whose answer has ended Node emits none.
        await this.#taken(done => request.write(chunk, done))
      }
      await this.#taken(done => request.end(done))
    } catch (error) {
      request.destroy(error as Error)
    }
  }

  /** The answer has ended: from now on only a server that still reads is waited for. */
  onAnswered(): void {
    this.#hasAnswered = true
    if (this.#isWaiting) this.#watch()
  }

  /** Resolves when what is written has left, or never will. */
  async #taken(write: (done: () => void) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#request.once('close', resolve)
    this.#isWaiting = true
    if (this.#hasAnswered) this.#watch()
    write(resolve)
    await promise
    this.#isWaiting = false
    this.#stalled?.[Symbol.dispose]()
    this.#request.off('close', resolve)
  }

  #watch(): void {
    const onStalled = (): void => void this.#request.destroy(new Error('the server has answered, and reads no more'))
    this.#stalled = this.#clock.after(STALLED_MS_MAX, onStalled)
  }
}

/** Headers as Node gives them, one after the other, in the model's form. */
function pairsOf(raw: readonly string[]): Headers {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string])
  return pairs
}
