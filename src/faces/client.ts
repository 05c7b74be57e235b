import type { Json } from '../model/errors.ts'
import type {
  Accepted,
  CancelResult,
  CheckList,
  Cluster,
  DrainResult,
  EventItem,
  Explanation,
  FunctionItem,
  FunctionList,
  Invocation,
  InvocationList,
  LeaveResult,
  LogItem,
  Peer,
  PeerList,
  PruneResult,
  PutResultBody,
  RemoveResult,
  Stats,
  Version
} from '../model/rest.ts'
import type { FunctionRequest } from '../model/service.ts'
import type { Fetch, FetchAnswer, FetchInit } from './node-fetch.ts'
import { CaresError, isErrorCode } from '../model/errors.ts'
import { REST_PATHS, restPath } from '../model/rest-paths.ts'
import { formatDurationMs } from '../model/units.ts'

/** Longest that a peer may take to answer a question about its own state: it has the answer in memory, or asks its cluster once. */
const ANSWER_TIMEOUT_MS = 15_000

/** Longest for what may pull an image or wait for work to end: the slowest registry over the slowest line that is still worth waiting for. */
const WORK_TIMEOUT_MS = 15 * 60_000

/** More of an answer that should be JSON is not read: the largest list is a thousand invocations of about a kilobyte. */
const JSON_BYTES_MAX = 64 * 2 ** 20

/** A line of a stream that is longer than this is no event and no log line of CARES (those are at most 8 KiB of text). */
const LINE_CHARACTERS_MAX = 1_048_576

export interface ClientInit {
  /** `http://HOST:PORT` of any peer. */
  readonly api: string
  /** Sent as `x-cares-token`, so that `Authorization` stays free for the function that is called. */
  readonly token?: string | undefined
  readonly fetch: Fetch
  /** A signal that aborts after so many milliseconds: `Clock.timeout`. */
  readonly timeout: (ms: number) => AbortSignal
}

export interface Abortable {
  readonly signal: AbortSignal
}

/** A call of a function. */
export interface InvokeInit {
  readonly method: string
  /** Below the function, with its query; starts with `/`. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: FetchInit['body']
}

/**
 * The REST API of a peer, typed. Every method throws CaresError only: the peer's own, with its code and details, or `peer_unreachable`,
 * `timeout`, `cancelled`, `protocol` for what happened on the way.
 */
export class CaresClient {
  readonly api: string
  readonly #token: string | undefined
  readonly #fetch: Fetch
  readonly #timeout: (ms: number) => AbortSignal

  constructor({ api, token, fetch, timeout }: ClientInit) {
    this.api = api.replace(/\/+$/, '')
    this.#token = token
    this.#fetch = fetch
    this.#timeout = timeout
  }

  async peers(options: Abortable): Promise<PeerList> {
    return await this.#get(restPath(REST_PATHS.peers), options)
  }

  /** By id, by a unique prefix of it, or by name. */
  async peer(id: string, options: Abortable): Promise<Peer> {
    return await this.#get(restPath(REST_PATHS.peer, { id }), options)
  }

  async setDraining(id: string, draining: boolean, options: Abortable): Promise<DrainResult> {
    return await this.#json('POST', restPath(draining ? REST_PATHS.drain : REST_PATHS.resume, { id }), options)
  }

  async cluster(options: Abortable): Promise<Cluster> {
    return await this.#get(restPath(REST_PATHS.cluster), options)
  }

  /** The peer that is asked leaves the cluster for good. */
  async leave(options: Abortable): Promise<LeaveResult> {
    return await this.#json('POST', restPath(REST_PATHS.leave), { ...options, timeoutMs: WORK_TIMEOUT_MS })
  }

  async stats(options: Abortable): Promise<Stats> {
    return await this.#get(restPath(REST_PATHS.stats), options)
  }

  async version(options: Abortable): Promise<Version> {
    return await this.#get(restPath(REST_PATHS.version), options)
  }

  async checks(options: Abortable): Promise<CheckList> {
    return await this.#get(restPath(REST_PATHS.checks), options)
  }

  async prune({ dryRun, signal }: Abortable & { dryRun: boolean }): Promise<PruneResult> {
    return await this.#json('POST', restPath(REST_PATHS.prune) + query({ dryRun }), { signal, timeoutMs: WORK_TIMEOUT_MS })
  }

  async functions(options: Abortable): Promise<FunctionList> {
    return await this.#get(restPath(REST_PATHS.functions), options)
  }

  async function(name: string, options: Abortable): Promise<FunctionItem> {
    return await this.#get(restPath(REST_PATHS.function, { name }), options)
  }

  /** Creates or changes a function. With `dryRun` it only says what would happen. */
  async putFunction(
    request: FunctionRequest,
    {
      ifRevision,
      pull,
      dryRun,
      signal
    }: Abortable & { ifRevision?: number | undefined; pull?: 'always' | 'missing' | 'never' | undefined; dryRun?: boolean | undefined }
  ): Promise<PutResultBody> {
    const path = restPath(REST_PATHS.functions) + query({ ifRevision, pull, dryRun })
    return await this.#json('POST', path, { signal, body: request, timeoutMs: WORK_TIMEOUT_MS })
  }

  async removeFunction(name: string, { ifRevision, signal }: Abortable & { ifRevision?: number | undefined }): Promise<RemoveResult> {
    return await this.#json('DELETE', restPath(REST_PATHS.function, { name }) + query({ ifRevision }), { signal })
  }

  /** Calls a function. Resolves with the head of its answer; its status says how it ended, see {@link failure}. */
  async invoke(name: string, { method, path, headers, body }: InvokeInit, { signal }: Abortable): Promise<FetchAnswer> {
    const target = restPath(REST_PATHS.invoke, { name }) + (path === '/' ? '' : path.replace(/^\/\?/, '?'))
    return await this.#exchange(target, { method, headers, body, signal })
  }

  /** Hands a call over; its result is kept for a while under its id. */
  async invokeAsync(name: string, { headers, body }: Pick<InvokeInit, 'headers' | 'body'>, { signal }: Abortable): Promise<Accepted> {
    const answer = await this.#exchange(restPath(REST_PATHS.invokeAsync, { name }), { method: 'POST', headers, body, signal })
    return await this.#read(answer, signal)
  }

  /** Newest first. */
  async invocations({ function: name, limit, signal }: Abortable & { function?: string; limit?: number }): Promise<InvocationList> {
    return await this.#get(restPath(REST_PATHS.invocations) + query({ function: name, limit }), { signal })
  }

  /** With `wait`, answered when it has ended or after that many milliseconds. */
  async invocation(id: string, { waitMs, signal }: Abortable & { waitMs?: number }): Promise<Invocation> {
    const path = restPath(REST_PATHS.invocation, { id }) + query({ wait: waitMs === undefined ? undefined : `${waitMs}ms` })
    return await this.#json('GET', path, { signal, timeoutMs: ANSWER_TIMEOUT_MS + (waitMs ?? 0) })
  }

  /** The kept answer of an asynchronous call, as the function gave it. */
  async result(id: string, { signal }: Abortable): Promise<FetchAnswer> {
    return await this.#exchange(restPath(REST_PATHS.result, { id }), { method: 'GET', headers: [], signal })
  }

  async cancel(id: string, options: Abortable): Promise<CancelResult> {
    return await this.#json('DELETE', restPath(REST_PATHS.invocation, { id }), options)
  }

  async explain(id: string, { whyNot, signal }: Abortable & { whyNot?: string | undefined }): Promise<Explanation> {
    return await this.#get(restPath(REST_PATHS.explain, { id }) + query({ whyNot }), { signal })
  }

  /** Log lines as they come, oldest first; with `follow` until the signal aborts. */
  async *logs({
    signal,
    ...which
  }: Abortable & {
    function?: string | undefined
    invocation?: string | undefined
    tail: number
    follow: boolean
  }): AsyncGenerator<LogItem, void, undefined> {
    const path = restPath(REST_PATHS.logs) + query(which)
    const answer = await this.#exchange(path, { method: 'GET', headers: [['accept', 'application/x-ndjson']], signal })
    await this.#refuse(answer, signal)
    for await (const line of this.#lines(answer, signal)) if (line !== '') yield parseJson<LogItem>(line, this.api)
  }

  /** Events as they come: those that the peer still keeps, then, until the signal aborts, those to come. */
  async *events({
    types,
    follow,
    signal
  }: Abortable & { types?: readonly string[] | undefined; follow: boolean }): AsyncGenerator<EventItem, void, undefined> {
    const { createParser } = await import('eventsource-parser')
    let lastId = '0'
    for (;;) {
      const path = restPath(REST_PATHS.events) + query({ types: types?.join(','), follow: follow ? undefined : 'false' })
      const headers = [
        ['accept', 'text/event-stream'],
        ['last-event-id', lastId]
      ] as const
      const answer = await this.#exchange(path, { method: 'GET', headers, signal })
      await this.#refuse(answer, signal)
      const arrived: { id?: string | undefined; event?: string | undefined; data: string }[] = []
      const parser = createParser({ maxBufferSize: LINE_CHARACTERS_MAX, onEvent: event => arrived.push(event) })
      let dropped = false
      for await (const text of this.#text(answer, signal)) {
        parser.feed(text)
        for (const { id, event, data } of arrived.splice(0)) {
          if (event === 'dropped') dropped = true
          else {
            const item = parseJson<EventItem>(data, this.api)
            lastId = id ?? String(item.id)
            yield item
          }
        }
      }
      // `dropped` ends the stream of a reader that was too slow; it may come back for what it missed.
      if (!dropped) return
    }
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
      title,
      code,
      detail,
      hint,
      retryable,
      instance: _instance,
      ...details
    } = parseJson<Record<string, Json | undefined>>(body, this.api)
    return new CaresError(typeof code === 'string' && isErrorCode(code) ? code : 'internal', String(detail ?? title ?? answer.status), {
      hint: typeof hint === 'string' ? hint : undefined,
      retryable: retryable === true,
      details: Object.fromEntries(Object.entries(details).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
    })
  }

  async #get<Body>(path: string, options: Abortable): Promise<Body> {
    return await this.#json<Body>('GET', path, options)
  }

  async #json<Body>(
    method: string,
    path: string,
    { signal, body, timeoutMs = ANSWER_TIMEOUT_MS }: Abortable & { body?: object; timeoutMs?: number }
  ): Promise<Body> {
    const bounded = AbortSignal.any([signal, this.#timeout(timeoutMs)])
    const headers: [string, string][] = [['accept', 'application/json']]
    if (body !== undefined) headers.push(['content-type', 'application/json'])
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: bounded }
    return await this.#read<Body>(await this.#exchange(path, init, timeoutMs), bounded, timeoutMs)
  }

  async #exchange(path: string, init: FetchInit, timeoutMs?: number): Promise<FetchAnswer> {
    let url: URL
    try {
      url = new URL(this.api + path)
    } catch (cause) {
      throw new CaresError('invalid', `not an API address: ${JSON.stringify(this.api)}`, { hint: 'write --api http://HOST:PORT', cause })
    }
    const headers = this.#token === undefined ? init.headers : [...init.headers, ['x-cares-token', this.#token] as const]
    try {
      return await this.#fetch(url, { ...init, headers })
    } catch (error) {
      throw this.#broken(error, init.signal, timeoutMs)
    }
  }

  async #read<Body>(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): Promise<Body> {
    await this.#refuse(answer, signal)
    return parseJson<Body>(await this.#readAll(answer, signal, timeoutMs), this.api)
  }

  async #refuse(answer: FetchAnswer, signal: AbortSignal): Promise<void> {
    if (answer.status < 200 || answer.status >= 300) throw await this.failure(answer, { signal })
  }

  async #readAll(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): Promise<string> {
    let body = ''
    for await (const text of this.#text(answer, signal, timeoutMs)) {
      body += text
      if (body.length > JSON_BYTES_MAX) throw new CaresError('protocol', `the answer of ${this.api} is too long to be one of CARES`)
    }
    return body
  }

  async *#text(answer: FetchAnswer, signal: AbortSignal, timeoutMs?: number): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of answer.body) yield decoder.decode(chunk, { stream: true })
    } catch (error) {
      throw this.#broken(error, signal, timeoutMs)
    }
  }

  async *#lines(answer: FetchAnswer, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    let rest = ''
    for await (const text of this.#text(answer, signal)) {
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

function parseJson<Body>(text: string, api: string): Body {
  try {
    return JSON.parse(text) as Body
  } catch (cause) {
    throw new CaresError('protocol', `${api} did not answer in JSON`, {
      hint: 'check that --api names a CARES peer and not another server',
      cause
    })
  }
}

function query(params: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(params).flatMap(([key, value]) => (value === undefined || value === false ? [] : [[key, String(value)]]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given as [string, string][])}`
}
