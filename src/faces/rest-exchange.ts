import { CaresError, isErrorCode, type Json } from '../model/errors.ts'
import { formatDurationMs } from '../model/units.ts'
import type { Problem } from '../model/rest.ts'
import { STALE_HEADER } from '../model/rest-paths.ts'
import type { Fetch, FetchAnswer, FetchInit } from './node-fetch.ts'

/** Longest that a peer may take to answer a question about its own state: it has the answer in memory, or asks its cluster once. */
export const ANSWER_TIMEOUT_MS = 15_000

/** More of an answer that should be JSON is not read: the largest list is a thousand invocations of about a kilobyte. */
const JSON_BYTES_MAX = 64 * 2 ** 20

/** A line of a stream that is longer than this is no event and no log line of CARES (those are at most 8 KiB of text). */
export const LINE_CHARACTERS_MAX = 1_048_576

/** Which peer a client asks, and how. */
export interface ClientInit {
  /** `http://HOST:PORT` of any peer. */
  readonly api: string
  /** Sent as `x-cares-token`, so that `Authorization` stays free for the function that is called. */
  readonly token?: string | undefined
  /** Refuse, with `conflict`, whatever is more than a question (every method but GET and HEAD). @default false */
  readonly readOnly?: boolean | undefined
  /** Answers to questions in JSON may be so old: the peer then makes one for all who ask the same. @default 0 */
  readonly answerAgeS?: number | undefined
  /** Told of each answer that may lack what was agreed lately: for so many milliseconds no orchestrator was heard by the peer that gave it. */
  readonly onStale?: ((staleMs: number) => void) | undefined
  readonly fetch: Fetch
  /** A signal that aborts after so many milliseconds: `Clock.timeout`. */
  readonly timeout: (ms: number) => AbortSignal
}

/** What every question takes: an abort of the signal gives it up. */
export interface Abortable {
  readonly signal: AbortSignal
}

/** One request after the other to the API of one peer, and what their failures mean. Throws CaresError only. */
export class RestExchange {
  readonly api: string
  readonly #token: string | undefined
  readonly #readOnly: boolean
  readonly #answerAgeS: number
  readonly #onStale: (staleMs: number) => void
  readonly #fetch: Fetch
  readonly #timeout: (ms: number) => AbortSignal

  constructor({ api, token, readOnly = false, answerAgeS = 0, onStale = () => {}, fetch, timeout }: ClientInit) {
    this.api = api.replace(/\/+$/, '')
    this.#token = token
    this.#readOnly = readOnly
    this.#answerAgeS = answerAgeS
    this.#onStale = onStale
    this.#fetch = fetch
    this.#timeout = timeout
  }

  /** What a refusal or failure says: the problem document of the answer as an error. Reads the body. */
  async failure(answer: FetchAnswer, { signal }: Abortable): Promise<CaresError> {
    const body = await this.#readAll(answer, signal)
    const type = answer.headers.get('content-type') ?? ''
    if (!type.startsWith('application/problem+json')) {
      return new CaresError('protocol', `${this.api} answered ${answer.status} without a reason that CARES knows`, {
        hint: 'check that --api names a CARES peer and not another server',
        details: { status: answer.status }
      })
    }
    const {
      type: _type,
      title: _title,
      code,
      detail,
      hint,
      retryable,
      instance: _instance,
      ...details
    } = parseJson(body, this.api) as Problem
    return new CaresError(isErrorCode(code) ? code : 'internal', detail, { hint, retryable, details: details as Record<string, Json> })
  }

  /** Asks, and reads an answer in JSON; bounded by `timeoutMs`. */
  async json<Body>(method: string, path: string, options: Abortable & { body?: object; timeoutMs?: number }): Promise<Body> {
    return (await this.jsonAsOf(method, path, options)).body as Body
  }

  /** The same, and how old it is: see {@link staleMsOf}. */
  async jsonAsOf(
    method: string,
    path: string,
    { signal, body, timeoutMs = ANSWER_TIMEOUT_MS }: Abortable & { body?: object; timeoutMs?: number }
  ): Promise<{ readonly body: unknown; readonly staleMs: number }> {
    const bounded = AbortSignal.any([signal, this.#timeout(timeoutMs)])
    const headers: [string, string][] = [['accept', 'application/json']]
    if (body !== undefined) headers.push(['content-type', 'application/json'])
    if (method === 'GET' && this.#answerAgeS > 0) headers.push(['cache-control', `max-age=${this.#answerAgeS}`])
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: bounded }
    const answer = await this.exchange(path, init, timeoutMs)
    return { body: await this.read(answer, bounded, timeoutMs), staleMs: staleMsOf(answer) }
  }

  /** Asks, and resolves with the head of the answer, whatever its status says. */
  async exchange(path: string, init: FetchInit, timeoutMs?: number): Promise<FetchAnswer> {
    if (this.#readOnly && !/^(GET|HEAD)$/.test(init.method)) {
      throw new CaresError('conflict', `read-only: ${init.method} ${path.replace(/\?.*$/, '')} may change something`, {
        hint: 'leave out --read-only (CARES_READ_ONLY) to do it'
      })
    }
    let url: URL
    try {
      url = new URL(this.api + path)
    } catch (cause) {
      throw new CaresError('invalid', `not an API address: ${JSON.stringify(this.api)}`, { hint: 'write --api http://HOST:PORT', cause })
    }
    const headers = this.#token === undefined ? init.headers : [...init.headers, ['x-cares-token', this.#token] as const]
    try {
      const answer = await this.#fetch(url, { ...init, headers })
      const staleMs = staleMsOf(answer)
      if (staleMs > 0) this.#onStale(staleMs)
      return answer
    } catch (error) {
      throw this.#broken(error, init.signal, timeoutMs)
    }
  }

  /** The JSON of an answer that is no failure. */
  async read<Body>(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): Promise<Body> {
    await this.refuse(answer, signal)
    return parseJson(await this.#readAll(answer, signal, timeoutMs), this.api) as Body
  }

  /** Throws what an answer says that is a failure. */
  async refuse(answer: FetchAnswer, signal: AbortSignal): Promise<void> {
    if (answer.status < 200 || answer.status >= 300) throw await this.failure(answer, { signal })
  }

  async #readAll(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): Promise<string> {
    let body = ''
    for await (const text of this.text(answer, signal, timeoutMs)) {
      body += text
      if (body.length > JSON_BYTES_MAX) throw new CaresError('protocol', `the answer of ${this.api} is too long to be one of CARES`)
    }
    return body
  }

  /** The body as text, piece by piece. */
  async *text(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of answer.body) yield decoder.decode(chunk, { stream: true })
    } catch (error) {
      throw this.#broken(error, signal, timeoutMs)
    }
  }

  /** The body line by line. */
  async *lines(answer: FetchAnswer, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    let rest = ''
    for await (const text of this.text(answer, signal)) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LINE_CHARACTERS_MAX) throw new CaresError('protocol', `${this.api} sent a line without an end`)
      yield* lines
    }
    yield rest
  }

  #broken(error: unknown, signal: AbortSignal, timeoutMs?: number): CaresError {
    if (error instanceof CaresError) return error
    if (signal.aborted) {
      if (signal.reason instanceof CaresError) return signal.reason
      if (signal.reason instanceof Error && signal.reason.name === 'TimeoutError') {
        const after = timeoutMs === undefined ? '' : ` within ${formatDurationMs(timeoutMs)}`
        return new CaresError('timeout', `the peer at ${this.api} did not answer${after}`, { retryable: true, cause: error })
      }
      return new CaresError('cancelled', 'cancelled', { cause: error })
    }
    return new CaresError('peer_unreachable', `cannot reach a peer at ${this.api}: ${socketReason(error)}`, {
      retryable: true,
      details: { api: this.api },
      cause: error
    })
  }
}

/** For how many milliseconds the peer that gave an answer had heard no orchestrator; 0 for one that holds all that was agreed. */
export function staleMsOf({ headers }: Pick<FetchAnswer, 'headers'>): number {
  const staleMs = Number(headers.get(STALE_HEADER) ?? 0)
  return Number.isFinite(staleMs) ? staleMs : 0
}

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be resolved',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP'
}

/** An AggregateError is what a host with several addresses gives: all of them failed, mostly alike. */
function socketReason(error: unknown): string {
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const { code, message } = cause as NodeJS.ErrnoException
  if (message === 'aborted') return 'the connection broke'
  return (code === undefined ? undefined : SOCKET_REASONS[code]) ?? message ?? String(cause)
}

/** What the peer says in JSON (an object or a list, always), or `protocol` for what is none. */
export function parseJson(text: string, api: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new TypeError('neither an object nor a list')
    return value
  } catch (cause) {
    throw new CaresError('protocol', `${api} did not answer in JSON`, {
      hint: 'check that --api names a CARES peer and not another server',
      cause
    })
  }
}

/** `?a=b` of the parameters that are given and not false. */
export function query(params: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(params).flatMap(([key, value]) => (value === undefined || value === false ? [] : [[key, String(value)]]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given as [string, string][]).toString()}`
}
