import type { CaresError } from '../model/errors.ts'
import type { PullPolicy } from '../model/function.ts'
import type {
  CheckList,
  Cluster,
  DrainResult,
  FunctionItem,
  FunctionList,
  LeaveResult,
  LogItem,
  Peer,
  PeerList,
  PruneResult,
  PutResultBody,
  RemovePeerResult,
  RemoveResult,
  Stats,
  StrategyItem,
  Version
} from '../model/rest.ts'
import type { Accepted, CancelResult, Explanation, Invocation, InvocationList } from '../model/rest-invocations.ts'
import type { EventItem } from '../model/rest-events.ts'
import type { AgreedStrategy } from '../model/placement.ts'
import type { CostKey } from '../model/costs.ts'
import type { CostList } from '../model/rest-costs.ts'
import type { Quote } from '../model/rest-quote.ts'
import type { AlertList, StatsHistoryBody } from '../model/rest-telemetry.ts'
import type { TaskExplanation, TaskItem, TaskList, TaskSubmitted, UploadedPayload } from '../model/rest-tasks.ts'
import type { FunctionRequest, QuoteQuestion } from '../model/service.ts'
import type { TaskRequest } from '../model/task-service.ts'
import { followEvents } from './follow-events.ts'
import type { FetchAnswer, FetchInit } from './node-fetch.ts'
import { type Abortable, ANSWER_TIMEOUT_MS, type ClientInit, parseJson, query, RestExchange } from './rest-exchange.ts'
import { REST_PATHS, restPath } from '../model/rest-paths.ts'

/** Longest for what may pull an image or wait for work to end: the slowest registry over the slowest line that is still worth waiting for. */
const WORK_TIMEOUT_MS = 15 * 60_000

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
  readonly #rest: RestExchange

  constructor(init: ClientInit) {
    this.#rest = new RestExchange(init)
  }

  get api(): string {
    return this.#rest.api
  }

  async peers(options: Abortable): Promise<PeerList> {
    return await this.#get(restPath(REST_PATHS.peers), options)
  }

  /** By id, by a unique prefix of it, or by name. */
  async peer(id: string, options: Abortable): Promise<Peer> {
    return await this.#get(restPath(REST_PATHS.peer, { id }), options)
  }

  async setDraining(id: string, draining: boolean, options: Abortable): Promise<DrainResult> {
    return await this.#rest.json('POST', restPath(draining ? REST_PATHS.drain : REST_PATHS.resume, { id }), options)
  }

  async cluster(options: Abortable): Promise<Cluster> {
    return await this.#get(restPath(REST_PATHS.cluster), options)
  }

  /** Which strategy places calls of functions that leave it open. */
  async strategy(options: Abortable): Promise<StrategyItem> {
    return await this.#get(restPath(REST_PATHS.strategy), options)
  }

  /** Has the cluster agree on a strategy; null takes what was agreed back. */
  async setStrategy(strategy: AgreedStrategy | null, options: Abortable): Promise<StrategyItem> {
    const path = restPath(REST_PATHS.strategy)
    return strategy === null
      ? await this.#rest.json('DELETE', path, options)
      : await this.#rest.json('PUT', path, { ...options, body: strategy })
  }

  /** The peer that is asked leaves the cluster for good. */
  async leave(options: Abortable): Promise<LeaveResult> {
    return await this.#rest.json('POST', restPath(REST_PATHS.leave), { ...options, timeoutMs: WORK_TIMEOUT_MS })
  }

  /** Removes another peer for good. */
  async removePeer(id: string, { force, signal }: Abortable & { force: boolean }): Promise<RemovePeerResult> {
    const path = restPath(REST_PATHS.peer, { id }) + query({ force: force ? true : undefined })
    return await this.#rest.json('DELETE', path, { signal, timeoutMs: WORK_TIMEOUT_MS })
  }

  async stats(options: Abortable): Promise<Stats> {
    return await this.#get(restPath(REST_PATHS.stats), options)
  }

  /** What has been within the last `sinceMs`; absent names: all. */
  async statsHistory({
    sinceMs,
    peers = [],
    functions = [],
    signal
  }: Abortable & { sinceMs: number; peers?: readonly string[]; functions?: readonly string[] }): Promise<StatsHistoryBody> {
    const wanted = [...peers.map(peer => query({ peer })), ...functions.map(name => query({ function: name }))]
    const path =
      restPath(REST_PATHS.statsHistory) + [query({ since: `${sinceMs}ms` }), ...wanted.map(one => one.replace('?', '&'))].join('')
    return await this.#get(path, { signal })
  }

  /** What is wrong, and by which rules. */
  async alerts(options: Abortable): Promise<AlertList> {
    return await this.#get(restPath(REST_PATHS.alerts), options)
  }

  async version(options: Abortable): Promise<Version> {
    return await this.#get(restPath(REST_PATHS.version), options)
  }

  async checks(options: Abortable): Promise<CheckList> {
    return await this.#get(restPath(REST_PATHS.checks), options)
  }

  async prune({ dryRun, signal }: Abortable & { dryRun: boolean }): Promise<PruneResult> {
    return await this.#rest.json('POST', restPath(REST_PATHS.prune) + query({ dryRun }), { signal, timeoutMs: WORK_TIMEOUT_MS })
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
    }: Abortable & { ifRevision?: number | undefined; pull?: PullPolicy | undefined; dryRun?: boolean | undefined }
  ): Promise<PutResultBody> {
    const path = restPath(REST_PATHS.functions) + query({ ifRevision, pull, dryRun })
    return await this.#rest.json('POST', path, { signal, body: request, timeoutMs: WORK_TIMEOUT_MS })
  }

  async removeFunction(name: string, { ifRevision, signal }: Abortable & { ifRevision?: number | undefined }): Promise<RemoveResult> {
    return await this.#rest.json('DELETE', restPath(REST_PATHS.function, { name }) + query({ ifRevision }), { signal })
  }

  /** What a call of a function would take and cost, and where it would run, if it came now. */
  async quote(
    name: string,
    { inputBytes, params, asked: { objective, maxCostUsd, require } = {}, signal }: Abortable & Partial<QuoteQuestion>
  ): Promise<Quote> {
    const asked = { objective, maxCostUsd, require: require?.join(',') }
    return await this.#get(restPath(REST_PATHS.quote, { name }) + query({ inputBytes, params, ...asked }), { signal })
  }

  /** What calls and tasks have cost, told apart by these keys. */
  async costs({ by, signal }: Abortable & { by: readonly CostKey[] }): Promise<CostList> {
    return await this.#get(restPath(REST_PATHS.costs) + query({ by: by.join(',') }), { signal })
  }

  /** The same as comma-separated values. */
  async costsCsv({ by, signal }: Abortable & { by: readonly CostKey[] }): Promise<string> {
    const path = restPath(REST_PATHS.costs) + query({ by: by.join(','), format: 'csv' })
    const answer = await this.#rest.exchange(path, { method: 'GET', headers: [], signal })
    await this.#rest.refuse(answer, signal)
    return (await Array.fromAsync(this.#rest.text(answer, signal))).join('')
  }

  /** Calls a function. Resolves with the head of its answer; its status says how it ended, see {@link failure}. */
  async invoke(name: string, { method, path, headers, body }: InvokeInit, { signal }: Abortable): Promise<FetchAnswer> {
    const target = restPath(REST_PATHS.invoke, { name }) + (path === '/' ? '' : path.replace(/^\/\?/, '?'))
    return await this.#rest.exchange(target, { method, headers, body, signal })
  }

  /** Hands a call over; its result is kept for a while under its id. */
  async invokeAsync(name: string, { headers, body }: Pick<InvokeInit, 'headers' | 'body'>, { signal }: Abortable): Promise<Accepted> {
    const answer = await this.#rest.exchange(restPath(REST_PATHS.invokeAsync, { name }), { method: 'POST', headers, body, signal })
    return await this.#rest.read(answer, signal)
  }

  /** Newest first. */
  async invocations({ function: name, limit, signal }: Abortable & { function?: string; limit?: number }): Promise<InvocationList> {
    return await this.#get(restPath(REST_PATHS.invocations) + query({ function: name, limit }), { signal })
  }

  /** With `wait`, answered when it has ended or after that many milliseconds. */
  async invocation(id: string, { waitMs, signal }: Abortable & { waitMs?: number }): Promise<Invocation> {
    const path = restPath(REST_PATHS.invocation, { id }) + query({ wait: waitMs === undefined ? undefined : `${waitMs}ms` })
    return await this.#rest.json('GET', path, { signal, timeoutMs: ANSWER_TIMEOUT_MS + (waitMs ?? 0) })
  }

  /** The kept answer of an asynchronous call, as the function gave it. */
  async result(id: string, { signal }: Abortable): Promise<FetchAnswer> {
    return await this.#rest.exchange(restPath(REST_PATHS.result, { id }), { method: 'GET', headers: [], signal })
  }

  /** Uploads a large input, for the task that is submitted next: its digest is the task's `inputDigest`. */
  async uploadPayload(body: AsyncIterable<Uint8Array>, { signal }: Abortable): Promise<UploadedPayload> {
    const answer = await this.#rest.exchange(restPath(REST_PATHS.payloads), { method: 'POST', headers: [], body, signal })
    return await this.#rest.read(answer, signal)
  }

  /**
   * Submits a task: resolves once the cluster has it for good. `input`: what its program finds on stdin, up to 64 KiB; `inputDigest`: more of
   * that, as {@link uploadPayload} answered.
   */
  async submitTask(
    request: TaskRequest,
    {
      input,
      inputDigest,
      key,
      caller,
      pull,
      signal
    }: Abortable & {
      input?: Uint8Array | undefined
      inputDigest?: string | undefined
      key?: string | undefined
      /** Who is charged for it. */
      caller?: string | undefined
      pull?: PullPolicy | undefined
    }
  ): Promise<TaskSubmitted> {
    const inputBase64 = input === undefined ? undefined : Buffer.from(input).toString('base64')
    const body = JSON.stringify({ ...request, inputBase64, inputDigest })
    const headers: [string, string][] = [['content-type', 'application/json']]
    if (key !== undefined) headers.push(['idempotency-key', key])
    if (caller !== undefined) headers.push(['x-cares-caller', caller])
    const answer = await this.#rest.exchange(restPath(REST_PATHS.tasks) + query({ pull }), { method: 'POST', headers, body, signal })
    return await this.#rest.read(answer, signal)
  }

  /** Tasks, newest first. */
  async tasks({
    signal,
    ...which
  }: Abortable & {
    state?: string | undefined
    function?: string | undefined
    peer?: string | undefined
    limit?: number | undefined
    cursor?: string | undefined
  }): Promise<TaskList> {
    return await this.#get(restPath(REST_PATHS.tasks) + query(which), { signal })
  }

  /** A task by id, the beginning of one, or name; with `waitMs`, when it is over or after that time. */
  async task(id: string, options: Abortable & { waitMs?: number }): Promise<TaskItem> {
    return (await this.taskAsOf(id, options)).task
  }

  /** The same, and for how long the peer that was asked has heard no orchestrator: the task may have changed since; 0 for how it is now. */
  async taskAsOf(id: string, { waitMs, signal }: Abortable & { waitMs?: number }): Promise<{ task: TaskItem; staleMs: number }> {
    const path = restPath(REST_PATHS.task, { id }) + query({ wait: waitMs === undefined ? undefined : `${waitMs}ms` })
    const timeoutMs = ANSWER_TIMEOUT_MS + (waitMs ?? 0)
    const { body, staleMs } = await this.#rest.jsonAsOf('GET', path, { signal, timeoutMs })
    return { task: body as TaskItem, staleMs }
  }

  /** What a task has written to stdout. */
  async taskResult(id: string, { signal }: Abortable): Promise<FetchAnswer> {
    const answer = await this.#rest.exchange(restPath(REST_PATHS.taskResult, { id }), { method: 'GET', headers: [], signal })
    await this.#rest.refuse(answer, signal)
    return answer
  }

  /** The task as it is after that: one that was over before stays as it was. */
  async cancelTask(id: string, options: Abortable): Promise<TaskItem> {
    return await this.#rest.json('DELETE', restPath(REST_PATHS.task, { id }), options)
  }

  /** Lines of a task as they come; with `follow` until it is over. */
  async *taskLogs(
    id: string,
    { signal, ...which }: Abortable & { tail: number; follow: boolean }
  ): AsyncGenerator<LogItem, void, undefined> {
    const path = restPath(REST_PATHS.taskLogs, { id }) + query(which)
    const answer = await this.#rest.exchange(path, { method: 'GET', headers: [['accept', 'application/x-ndjson']], signal })
    await this.#rest.refuse(answer, signal)
    for await (const line of this.#rest.lines(answer, signal)) if (line !== '') yield parseJson(line, this.api) as LogItem
  }

  /** Why a task is where it is. */
  async explainTask(id: string, { whyNot, signal }: Abortable & { whyNot?: string | undefined }): Promise<TaskExplanation> {
    return await this.#get(restPath(REST_PATHS.taskExplain, { id }) + query({ whyNot }), { signal })
  }

  async cancel(id: string, options: Abortable): Promise<CancelResult> {
    return await this.#rest.json('DELETE', restPath(REST_PATHS.invocation, { id }), options)
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
    const answer = await this.#rest.exchange(path, { method: 'GET', headers: [['accept', 'application/x-ndjson']], signal })
    await this.#rest.refuse(answer, signal)
    for await (const line of this.#rest.lines(answer, signal)) if (line !== '') yield parseJson(line, this.api) as LogItem
  }

  /** See {@link followEvents}. */
  events(options: Parameters<typeof followEvents>[1]): AsyncGenerator<EventItem, void, undefined> {
    return followEvents(this.#rest, options)
  }

  /** What a refusal or failure says: the problem document of the answer as an error. Reads the body. */
  async failure(answer: FetchAnswer, options: Abortable): Promise<CaresError> {
    return await this.#rest.failure(answer, options)
  }

  async #get<Body>(path: string, options: Abortable): Promise<Body> {
    return await this.#rest.json<Body>('GET', path, options)
  }
}
