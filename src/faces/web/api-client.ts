import type {
  Cluster,
  DrainResult,
  FunctionItem,
  FunctionList,
  LogItem,
  PeerList,
  PutResultBody,
  RemoveResult,
  Stats
} from '../../model/rest.ts'
import type { Accepted, CancelResult, Explanation, InvocationList } from '../../model/rest-invocations.ts'
import type { CostList } from '../../model/rest-costs.ts'
import type { Quote } from '../../model/rest-quote.ts'
import type { TaskExplanation, TaskItem, TaskList, TaskSubmitted } from '../../model/rest-tasks.ts'
import type { AlertList, StatsHistoryBody } from '../../model/rest-telemetry.ts'
import { REST_PATHS, restPath } from '../../model/rest-paths.ts'
import type { FunctionRequest } from '../../model/service.ts'
import type { FetchAnswer } from '../node-fetch.ts'
import { type Abortable, parseJson, query, RestExchange } from '../rest-exchange.ts'
import { browserFetch } from './browser-fetch.ts'
import type { TaskSubmission } from './task-form.ts'
import { createEventParser, type StreamedEvent } from './live/event-parser.ts'

/** Longest for what may pull an image: the slowest registry over the slowest line that is still worth waiting for. */
const WORK_TIMEOUT_MS = 15 * 60_000

/** Peers tell of themselves once a second: what is younger is hardly newer, and many pages cost their peer little more than one. */
const ANSWER_AGE_S = 1

/** A call of a function, by the box. */
export interface CallInit {
  readonly method: string
  /** Below the function; starts with `/`. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | Uint8Array | undefined
}

/** What the page asks its peer. Every question throws CaresError only. */
export type ApiClient = ReturnType<typeof createApiClient>

/** The part of the REST API that the page needs, and no more of it: the page should be small. */
export function createApiClient(api: string, token: string | undefined) {
  const rest = new RestExchange({ api, token, answerAgeS: ANSWER_AGE_S, fetch: browserFetch, timeout: ms => AbortSignal.timeout(ms) })
  const get = <Body>(path: string, options: Abortable): Promise<Body> => rest.json<Body>('GET', path, options)
  const fn = (name: string): string => restPath(REST_PATHS.function, { name })
  return {
    hasToken: token !== undefined,
    peers: (options: Abortable) => get<PeerList>(REST_PATHS.peers, options),
    cluster: (options: Abortable) => get<Cluster>(REST_PATHS.cluster, options),
    stats: (options: Abortable) => get<Stats>(REST_PATHS.stats, options),
    /** Numbers over time, in steps. */
    history: ({ signal, ...which }: Abortable & { since: string; peer: string | undefined; function: string | undefined }) =>
      get<StatsHistoryBody>(REST_PATHS.statsHistory + query(which), { signal }),
    functions: (options: Abortable) => get<FunctionList>(REST_PATHS.functions, options),
    /** Newest first; of all functions, or of one. */
    calls: ({ signal, ...which }: Abortable & { limit: number; function: string | undefined }) =>
      get<InvocationList>(REST_PATHS.invocations + query(which), { signal }),
    explain: (id: string, options: Abortable) => get<Explanation>(restPath(REST_PATHS.explain, { id }), options),
    cancel: (id: string, options: Abortable) => rest.json<CancelResult>('DELETE', restPath(REST_PATHS.invocation, { id }), options),
    setDraining: (id: string, drains: boolean, options: Abortable) =>
      rest.json<DrainResult>('POST', restPath(drains ? REST_PATHS.drain : REST_PATHS.resume, { id }), options),
    quote: (name: string, { inputBytes, ...options }: Abortable & { inputBytes: number }) =>
      get<Quote>(restPath(REST_PATHS.quote, { name }) + query({ inputBytes }), options),
    costs: (by: string, options: Abortable) => get<CostList>(REST_PATHS.costs + query({ by }), options),
    /** Newest first. */
    tasks: (limit: number, options: Abortable) => get<TaskList>(REST_PATHS.tasks + query({ limit }), options),
    /** Resolves once the cluster has it for good. The same `key` is the same task. */
    submitTask: async (request: TaskSubmission, { key, signal }: Abortable & { key: string }): Promise<TaskSubmitted> => {
      const headers = [
        ['content-type', 'application/json'],
        ['idempotency-key', key]
      ] as const
      const answer = await rest.exchange(REST_PATHS.tasks, { method: 'POST', headers, body: JSON.stringify(request), signal })
      return await rest.read<TaskSubmitted>(answer, signal)
    },
    /** What a task has written to stdout. */
    taskResult: async (id: string, { signal }: Abortable): Promise<FetchAnswer> => {
      const answer = await rest.exchange(restPath(REST_PATHS.taskResult, { id }), { method: 'GET', headers: [], signal })
      await rest.refuse(answer, signal)
      return answer
    },
    task: (id: string, options: Abortable) => get<TaskItem>(restPath(REST_PATHS.task, { id }), options),
    explainTask: (id: string, options: Abortable) => get<TaskExplanation>(restPath(REST_PATHS.taskExplain, { id }), options),
    cancelTask: (id: string, options: Abortable) => rest.json<TaskItem>('DELETE', restPath(REST_PATHS.task, { id }), options),
    alerts: (options: Abortable) => get<AlertList>(REST_PATHS.alerts, options),
    /** Creates or changes a function. With `dryRun` it only says what would happen. */
    putFunction: (
      request: FunctionRequest,
      { dryRun, ifRevision, signal }: Abortable & { dryRun: boolean; ifRevision: number | undefined }
    ) =>
      rest.json<PutResultBody>('POST', REST_PATHS.functions + query({ dryRun, ifRevision }), {
        signal,
        body: request,
        timeoutMs: WORK_TIMEOUT_MS
      }),
    removeFunction: ({ name, revision }: FunctionItem, options: Abortable) =>
      rest.json<RemoveResult>('DELETE', fn(name) + query({ ifRevision: revision }), options),
    /** Resolves with the head of the answer, whatever its status says. */
    call: (name: string, { path, ...init }: CallInit, { signal }: Abortable): Promise<FetchAnswer> =>
      rest.exchange(restPath(REST_PATHS.invoke, { name }) + (path === '/' ? '' : path.replace(/^\/\?/, '?')), { ...init, signal }),
    callLater: async (name: string, { headers, body }: Pick<CallInit, 'headers' | 'body'>, { signal }: Abortable): Promise<Accepted> => {
      const answer = await rest.exchange(restPath(REST_PATHS.invokeAsync, { name }), { method: 'POST', headers, body, signal })
      return await rest.read<Accepted>(answer, signal)
    },
    /** The newest lines of a call's or a task's log, oldest first. */
    logOf: async (id: string, { isTask, tail, signal }: Abortable & { isTask: boolean; tail: number }): Promise<readonly LogItem[]> => {
      const headers = [['accept', 'application/x-ndjson']] as const
      const path = isTask ? restPath(REST_PATHS.taskLogs, { id }) + query({ tail }) : REST_PATHS.logs + query({ invocation: id, tail })
      const answer = await rest.exchange(path, { method: 'GET', headers, signal })
      await rest.refuse(answer, signal)
      const found: LogItem[] = []
      for await (const line of rest.lines(answer, signal)) if (line !== '') found.push(parseJson(line, api) as LogItem)
      return found
    },
    /**
     * Events behind `afterId` as they come, over `fetch`: the browser's own EventSource cannot send a token. Ends when the peer ends the stream.
     *
     * @param onOpen - called once the peer has accepted
     */
    async *events({
      afterId,
      onOpen,
      signal
    }: Abortable & { afterId: string; onOpen: () => void }): AsyncGenerator<readonly StreamedEvent[], void, undefined> {
      const headers = [
        ['accept', 'text/event-stream'],
        ['last-event-id', afterId]
      ] as const
      const answer = await rest.exchange(REST_PATHS.events, { method: 'GET', headers, signal })
      await rest.refuse(answer, signal)
      onOpen()
      const parse = createEventParser(api)
      for await (const text of rest.text(answer, signal)) yield parse(text)
    }
  }
}
