import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type Headers, INLINE_BODY_BYTES_MAX } from '../model/invocation.ts'
import { fromUndici } from './http-headers.ts'

/** Bytes of an answer that wait for their reader; beyond it the container is not read from. */
const WAITING_BYTES_MAX = 65_536

type Head = { readonly status: number; readonly headers: Headers }

/** What brings an answer, as far as its reader must steer it. */
type Flow = Pick<Dispatcher.DispatchController, 'paused' | 'pause' | 'resume' | 'abort'>

/** An answer, from its head on. */
export interface HttpResponse extends Head {
  readonly body: ResponseBody
}

/** A connection that has become something else than HTTP, at the request's wish; it is the caller's from now on, and so are its errors. */
export interface UpgradedResponse extends Head {
  readonly socket: Duplex
}

/**
 * Sends a request over undici's own interface for handlers, which tells more than a stream does: whether all of a short answer came with its head.
 * Most answers do, and they need neither stream nor turn of the event loop.
 *
 * Throws what broke the connection, or the signal's reason. After the head an abort ends the body with that reason.
 */
export function sendRequest(
  client: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { signal }: { signal: AbortSignal }
): Promise<HttpResponse | UpgradedResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse | UpgradedResponse>()
  let controller: Dispatcher.DispatchController | undefined
  let body: ResponseBody | undefined
  const onAbort = (): void => controller?.abort(signal.reason as Error)
  const over = (): void => signal.removeEventListener('abort', onAbort)
  signal.addEventListener('abort', onAbort, { once: true })
  client.dispatch(options, {
    onRequestStart: started => {
      controller = started
      if (signal.aborted) onAbort()
    },
    onResponseStart: (of, status, headers) => {
      // A word in between (RFC 9110 section 15.2): the answer is still to come.
      if (status < 200) return
      body = new ResponseBody(of, over)
      resolve({ status, headers: fromUndici(headers), body })
    },
    onRequestUpgrade: (_, status, headers, socket) => {
      over()
      // Whoever reads from it is told of them; until then they must not bring the process down.
      socket.on('error', () => {})
      resolve({ status, headers: fromUndici(headers), socket })
    },
    onResponseData: (_, chunk) => body?.push(chunk),
    onResponseEnd: () => {
      over()
      body?.end()
    },
    onResponseError: (_, error) => {
      over()
      if (body === undefined) reject(error)
      else body.fail(error)
    }
  })
  return promise
}

/** The body of an answer, for one reader, at its pace. To stop reading early ends the request. */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #flow: Flow
  readonly #onStop: () => void
  readonly #chunks: Uint8Array[] = []
  #waitingBytes = 0
  #isEnded = false
  #failure: Error | undefined
  #reader: PromiseWithResolvers<void> | undefined

  constructor(flow: Flow, onStop: () => void = () => {}) {
    this.#flow = flow
    this.#onStop = onStop
  }

  /** All of it, if that is here and fits into one message; what was read before is not part of it. */
  arrived(): Uint8Array | undefined {
    if (!this.#isEnded || this.#failure !== undefined || this.#waitingBytes > INLINE_BODY_BYTES_MAX) return undefined
    const [only] = this.#chunks
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#flow.pause()
    this.#wake()
  }

  end(): void {
    this.#isEnded = true
    this.#wake()
  }

  /** Breaks it off, unless it has ended. */
  fail(error: Error): void {
    if (this.#isEnded) return
    this.#failure = error
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      while (true) {
        const chunk = this.#chunks.shift()
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.length
          if (this.#flow.paused && this.#waitingBytes <= WAITING_BYTES_MAX / 2) this.#flow.resume()
          yield chunk
        } else if (this.#failure !== undefined) {
          throw this.#failure
        } else if (this.#isEnded) {
          return
        } else {
          this.#reader = Promise.withResolvers()
          await this.#reader.promise
        }
      }
    } finally {
      this.cancel()
    }
  }

  /** Ends the request if it has not ended; nothing after an end. */
  cancel(): void {
    this.#onStop()
    if (!this.#isEnded) this.#flow.abort(new Error('the answer was not read to its end'))
  }

  #wake(): void {
    this.#reader?.resolve()
    this.#reader = undefined
  }
}
