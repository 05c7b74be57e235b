/*
 * The paths of the REST API. They are apart from its schemas (`rest.ts`), so that a client, which trusts its peer, need not load the schema library.
 * The names in curly brackets are the schemas of the bodies.
 */

/** Where everything is. `:name` parts are filled in by {@link restPath}. */
export const REST_PATHS = {
  /** Any method; raw body in, the function's answer out. Below it any path: `/fn/thumb/a/b?c`. */
  invoke: '/fn/:name',
  /** POST; raw body of at most 1 MiB in, 202 {acceptedSchema} and `Location` out. */
  invokeAsync: '/async/:name',
  /** GET → {functionListSchema}. POST a `functionRequestSchema` → {putResultSchema}; `?ifRevision`, `?dryRun`, `?pull`. */
  functions: '/v1/functions',
  /** GET → {functionSchema}. PUT as POST on the list. DELETE → {removeResultSchema}; `If-Match` or `?ifRevision`. */
  function: '/v1/functions/:name',
  /** GET → {quoteSchema}: what a call would take and cost, and where it would run; `?inputBytes`, `?params`. */
  quote: '/v1/functions/:name/quote',
  /** GET → {costListSchema}; `?by=function,caller,peer`, `?format=csv`. */
  costs: '/v1/costs',
  /** GET → {admissionListSchema}. POST an `admissionRequestSchema` → {admissionSchema}: 201 when approved, 202 when it waits. */
  admissions: '/v1/admissions',
  /** GET → {admissionSchema}; `?wait=30s` waits until it is approved. */
  admission: '/v1/admissions/:id',
  /** POST an `admissionOutcomeSchema` → {admissionSchema}: it has ended, or is not wanted any more. */
  admissionComplete: '/v1/admissions/:id/complete',
  /** GET → {invocationListSchema}, newest first; `?function`, `?state`, `?limit` (100, at most 1,000). */
  invocations: '/v1/invocations',
  /** GET → {invocationSchema}; `?wait=30s` waits for its end. DELETE cancels → {cancelResultSchema}. */
  invocation: '/v1/invocations/:id',
  /** GET → the kept answer of an asynchronous invocation, exactly as the function gave it: status, headers, body. */
  result: '/v1/invocations/:id/result',
  /** GET → {explanationSchema}; `?whyNot=PEER` adds why that peer was not chosen. */
  explain: '/v1/invocations/:id/explain',
  /**
   * GET → {taskListSchema}, newest first; `?state`, `?function`, `?peer`, `?limit`, `?cursor`.
   * POST a `taskRequestSchema` with its input → {taskSubmittedSchema}.
   */
  tasks: '/v1/tasks',
  /** POST; raw body of at most 64 MiB in, {payloadSchema} out: the `inputDigest` of a task. */
  payloads: '/v1/payloads',
  /** GET → {taskSchema}, by id, the beginning of one, or name; `?wait=30s` waits for its end. DELETE cancels → {taskSchema}. */
  task: '/v1/tasks/:id',
  /** GET → what the task has written to stdout. */
  taskResult: '/v1/tasks/:id/result',
  /** GET → {logLineSchema} as `logs` gives them; `?tail`, `?follow`. */
  taskLogs: '/v1/tasks/:id/logs',
  /** GET → {taskExplanationSchema}; `?whyNot=PEER` as of an invocation. */
  taskExplain: '/v1/tasks/:id/explain',
  /** GET → {peerListSchema}. */
  peers: '/v1/peers',
  /** GET → {peerSchema}, by id, by a unique prefix of the id, or by name. DELETE → {removePeerResultSchema}; `?force=true`. */
  peer: '/v1/peers/:id',
  /** POST → {drainResultSchema}: the peer takes no new work. */
  drain: '/v1/peers/:id/drain',
  /** POST → {drainResultSchema}: the peer takes work again. */
  resume: '/v1/peers/:id/resume',
  /** GET → {statsSchema}. */
  stats: '/v1/stats',
  /** GET → {statsHistorySchema}; `?since=15m`, `?peer=`, `?function=` (each may repeat). */
  statsHistory: '/v1/stats/history',
  /** GET → {clusterSchema}. */
  cluster: '/v1/cluster',
  /** GET → {strategySchema}. PUT an `agreedStrategySchema`, or DELETE what was agreed → {strategySchema}. */
  strategy: '/v1/strategy',
  /** POST → {leaveResultSchema}: this peer leaves the cluster for good. */
  leave: '/v1/leave',
  /** GET → server-sent events of {eventSchema}; `?types=peer:joined,invocation` and `Last-Event-ID`. */
  events: '/v1/events',
  /** WebSocket → {wsMessageSchema}, takes {wsSubscribeSchema}; `?types`, `?peer` and `?after` as in `subscribe`. */
  ws: '/v1/ws',
  /** GET → {alertListSchema}. */
  alerts: '/v1/alerts',
  /** GET → {logLineSchema}, a line each (NDJSON), or server-sent events by `Accept`; `?function` or `?invocation`, `?tail`, `?follow`. */
  logs: '/v1/logs',
  /** GET → {checkListSchema}. */
  checks: '/v1/checks',
  /** POST → {pruneResultSchema}; `?dryRun`. */
  prune: '/v1/prune',
  /** GET → {aliveSchema}: the process answers. */
  healthz: '/healthz',
  /** GET → {readySchema}: 200 when the peer can answer function calls, else 503. */
  readyz: '/readyz',
  /** GET → Prometheus text. */
  metrics: '/metrics',
  /** GET → {versionSchema}. */
  version: '/version',
  /** GET → this API as OpenAPI 3.1. */
  openapi: '/openapi.json'
} as const

/** `pattern` with its `:name` parts filled in and escaped: `restPath(REST_PATHS.peer, { id: 'atlas' })`. */
export function restPath(pattern: (typeof REST_PATHS)[keyof typeof REST_PATHS], params: Readonly<Record<string, string>> = {}): string {
  return pattern.replace(/:([a-z]+)/g, (_, key: string) => {
    const value = params[key]
    if (value === undefined) throw new Error(`${pattern} needs ${key}`)
    return encodeURIComponent(value)
  })
}

/** Says of an answer that it may lack what was agreed lately, and for how many milliseconds no orchestrator was heard. */
export const STALE_HEADER = 'x-cares-stale-ms'
