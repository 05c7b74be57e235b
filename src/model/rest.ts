import { z } from 'zod'
import { ERROR_CODES, type ErrorCode } from './errors.ts'

export { REST_PATHS, restPath } from './rest-paths.ts'

/*
 * The JSON of the REST API: what `api/` answers and what the faces read. Sizes are bytes, durations `…Ms`, times RFC 3339, lists
 * `{ items: [...] }`. Within `/v1` fields are only ever added, so readers ignore what they do not know; requests with unknown fields are
 * refused.
 */

/**
 * An array that its readers may not change, as in the model. (zod's own `.readonly()` freezes at run time, and marks the OpenAPI schema as
 * something that only answers may hold.)
 */
function listOf<Item extends z.ZodType>(item: Item): z.ZodType<readonly z.output<Item>[], readonly z.input<Item>[]> {
  return z.array(item)
}

const errorCodes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]
const count = z.int().nonnegative()
const bytes = z.number().nonnegative().describe('bytes')
const ms = z.number().describe('milliseconds')
const time = z.string().describe('RFC 3339')

// --- errors

/**
 * Every error answer, as `application/problem+json` (RFC 9457). Further members are the details of the error: `exitCode` and `stderr` of a
 * failed function, `retryAfterMs` of an overloaded peer, `issues` of an invalid request.
 */
export const problemSchema = z.looseObject({
  type: z.string().describe('urn:cares:error: and the code'),
  title: z.string().describe('what the code means'),
  status: z.int().min(400).max(599),
  code: z.enum(errorCodes),
  detail: z.string().describe('what happened'),
  hint: z.string().optional().describe('what to do about it'),
  instance: z.string().optional().describe('the path that was asked, without its query'),
  retryable: z.boolean().describe('whether the same request may succeed later'),
  exitCode: z.int().optional(),
  stderr: z.string().optional().describe('the end of what the function wrote to stderr'),
  retryAfterMs: ms.optional(),
  issues: listOf(z.object({ path: z.string(), message: z.string() })).optional()
})
export type Problem = z.infer<typeof problemSchema>

// --- peers

export const peerStateSchema = z.enum(['alive', 'suspect', 'draining', 'gone'])
export const peerRoleSchema = z.enum(['orchestrator', 'worker'])
const peerRefSchema = z.object({ id: z.string(), name: z.string() })

const amountSchema = z.object({ cpus: z.number(), memoryBytes: bytes, diskBytes: bytes })
const reservedSchema = z.object({ cpus: z.number(), memoryBytes: bytes })

/** The numbers of one peer: what `cares peers` and `cares stats` show. */
export const peerStatsSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: peerStateSchema,
  role: peerRoleSchema,
  capacity: amountSchema.describe('what the peer can give in all'),
  used: amountSchema.describe('in use on the machine, by anyone'),
  reserved: reservedSchema.describe('promised to executions and warm containers'),
  running: count,
  succeeded: count.describe('since the peer started'),
  failed: count.describe('since the peer started'),
  ageMs: ms.describe('since the newest word of the peer')
})
export type PeerStatsItem = z.infer<typeof peerStatsSchema>

export const peerSchema = peerStatsSchema.extend({
  voter: z.boolean(),
  term: count.describe('the newest that the peer has said it knows'),
  version: z.string(),
  runtime: z.enum(['docker', 'process', 'none']),
  runtimeReady: z.boolean(),
  arch: z.string(),
  labels: z.record(z.string(), z.string()),
  addresses: listOf(z.string()).describe('multiaddrs, without the /p2p/ part'),
  api: z.string().describe('host:port of its HTTP API'),
  warm: listOf(z.object({ function: z.string().describe('name@revision'), idle: count, busy: count })),
  images: count.describe('images of registered functions on the machine'),
  usdPerHour: z.number().describe('price of the whole machine; 0: not stated'),
  startedAt: time
})
export type Peer = z.infer<typeof peerSchema>

/** Whose view it is: each peer answers from what it knows. */
const viewSchema = z.object({ peer: z.string(), name: z.string() })

export const peerListSchema = z.object({ items: listOf(peerSchema), view: viewSchema })
export type PeerList = z.infer<typeof peerListSchema>

export const drainResultSchema = z.object({ id: z.string(), name: z.string(), draining: z.boolean() })
export type DrainResult = z.infer<typeof drainResultSchema>

// --- cluster

export const clusterSchema = z.object({
  id: z.string().nullable().describe('what a peer needs to join; without its secret unless the caller may know it'),
  secretHidden: z.boolean().describe('the cluster is private and `id` lacks its secret'),
  uid: z.string().nullable(),
  private: z.boolean(),
  self: peerRefSchema,
  orchestrator: peerRefSchema.nullable(),
  reason: z.string().describe('why there is no orchestrator; empty when there is one'),
  term: count,
  voters: listOf(z.string()),
  learners: listOf(z.string()),
  quorum: count.describe('voters that must acknowledge'),
  faultTolerance: count.describe('voters that may die without loss'),
  lastIndex: count,
  commitIndex: count,
  appliedIndex: count,
  fenced: z.string().nullable().describe('why this peer takes no part any more; null when it does')
})
export type Cluster = z.infer<typeof clusterSchema>

export const leaveResultSchema = z.object({ left: z.literal(true) })
export type LeaveResult = z.infer<typeof leaveResultSchema>

// --- functions

export const functionSchema = z.object({
  name: z.string(),
  image: z.string().describe('as the user wrote it'),
  digest: z.string().describe('the content that every worker runs'),
  imageBytes: bytes,
  contract: z.enum(['stdio', 'http']),
  port: count,
  readyPath: z.string().optional(),
  cpus: z.number(),
  memoryBytes: bytes,
  timeoutMs: ms,
  concurrency: count,
  prewarm: count,
  idempotent: z.boolean(),
  env: z.record(z.string(), z.string()),
  network: z.enum(['none', 'egress']),
  revision: count,
  updatedAt: time,
  url: z.string().describe('where it is called, on the host that was asked')
})
export type FunctionItem = z.infer<typeof functionSchema>

export const functionListSchema = z.object({ items: listOf(functionSchema) })
export type FunctionList = z.infer<typeof functionListSchema>

export const putResultSchema = z.object({
  result: z.enum(['created', 'updated', 'unchanged']),
  dryRun: z.boolean().describe('true: nothing was changed, this is what would be'),
  because: z.string().describe('which evidence decided the contract'),
  function: functionSchema
})
export type PutResultBody = z.infer<typeof putResultSchema>

export const removeResultSchema = z.object({ name: z.string(), revision: count.describe('the one that was removed') })
export type RemoveResult = z.infer<typeof removeResultSchema>

// --- invocations

export const usageSchema = z.object({
  queueMs: ms,
  pullMs: ms,
  startMs: ms,
  runMs: ms,
  cpuMs: ms.optional(),
  memoryPeakBytes: bytes.optional(),
  bytesIn: bytes,
  bytesOut: bytes
})

export const invocationStateSchema = z.enum(['queued', 'running', 'succeeded', 'failed'])
export const startKindSchema = z.enum(['warm', 'prewarmed', 'cold'])
export const placementKindSchema = z.enum(['orchestrator', 'fallback'])

export const invocationSchema = z.object({
  id: z.string(),
  function: z.string(),
  revision: count,
  state: invocationStateSchema,
  gateway: peerRefSchema,
  acceptedAt: time,
  method: z.string(),
  path: z.string(),
  worker: peerRefSchema.nullable(),
  start: startKindSchema.nullable(),
  placement: placementKindSchema.nullable(),
  status: z.int().nullable().describe('HTTP status of the answer'),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  usage: usageSchema.nullable().describe('what the execution took'),
  totalMs: ms.nullable().describe('from acceptance to the last byte'),
  placements: count.describe('how often it was placed'),
  result: z.boolean().describe('whether its answer is kept at /v1/invocations/:id/result')
})
export type Invocation = z.infer<typeof invocationSchema>

export const invocationListSchema = z.object({ items: listOf(invocationSchema) })
export type InvocationList = z.infer<typeof invocationListSchema>

/** The answer 202 to an asynchronous call. */
export const acceptedSchema = z.object({ invocation: z.string(), location: z.string(), state: z.literal('queued') })
export type Accepted = z.infer<typeof acceptedSchema>

export const cancelResultSchema = z.object({ id: z.string(), found: z.boolean().describe('false: it had ended, or never was') })
export type CancelResult = z.infer<typeof cancelResultSchema>

const costSchema = z.object({ network: ms, start: ms, pull: ms, queue: ms, run: ms, total: ms })
const rejectionSchema = z.enum([
  'not_alive',
  'draining',
  'excluded',
  'not_pinned',
  'no_runtime',
  'wrong_arch',
  'memory',
  'slots',
  'deadline'
])

/** One peer as a placement saw it. */
export const verdictSchema = z.object({
  peer: peerRefSchema,
  fits: z.boolean(),
  chosen: z.boolean(),
  why: z.string().describe('the verdict in words, e.g. `memory: needs 256Mi, 118Mi left`'),
  start: z.enum(['warm', 'cold']).optional(),
  cost: costSchema.optional().describe('expected milliseconds to the last byte, by cause'),
  reason: rejectionSchema.optional(),
  needed: z.number().optional(),
  available: z.number().optional()
})
export type VerdictItem = z.infer<typeof verdictSchema>

/** One placement with the numbers that decided it. */
export const placementSchema = z.object({
  at: time,
  by: peerRefSchema,
  placement: placementKindSchema,
  strategy: z.string(),
  term: count,
  round: count,
  try: count,
  viewAgeMs: ms.describe('age of the oldest statistics among the candidates'),
  needs: z.object({ cpus: z.number(), memoryBytes: bytes, imageBytes: bytes }),
  estimate: z.object({ runMs: ms, coldStartMs: ms, warmStartMs: ms, outputBytes: bytes, samples: count }),
  chosen: peerRefSchema.nullable(),
  verdicts: listOf(verdictSchema).describe('chosen first, then by cost, then those that did not fit'),
  skipped: count.describe('peers that were not looked at'),
  rejected: z.partialRecord(rejectionSchema, count)
})
export type PlacementItem = z.infer<typeof placementSchema>

export const explanationSchema = z.object({
  invocation: invocationSchema,
  placements: listOf(placementSchema).describe('oldest first'),
  predictedMs: ms.nullable().describe('cost of the last choice'),
  actualMs: ms.nullable(),
  whyNot: z.object({ peer: peerRefSchema, why: z.string() }).optional().describe('the answer to ?whyNot, of the last placement')
})
export type Explanation = z.infer<typeof explanationSchema>

// --- numbers

export const statsSchema = z.object({
  at: time,
  view: viewSchema,
  items: listOf(peerStatsSchema).describe('every peer'),
  totals: z
    .object({
      peers: z.object({ alive: count, suspect: count, draining: count, gone: count }),
      capacity: amountSchema,
      used: amountSchema,
      reserved: reservedSchema,
      running: count,
      succeeded: count,
      failed: count,
      usdPerHour: z.number()
    })
    .describe('of all peers but those gone'),
  functions: listOf(z.object({ name: z.string(), revision: count, peers: count, idle: count, busy: count })).describe('warm containers'),
  gateway: z
    .object({
      inFlight: count,
      invocations: listOf(z.object({ function: z.string(), outcome: z.string(), count })),
      placements: listOf(z.object({ kind: placementKindSchema, count }))
    })
    .describe('calls that came through this peer')
})
export type Stats = z.infer<typeof statsSchema>

// --- streams

const peerEvent = { peer: z.string(), name: z.string() }
const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ id: count, at: time, type: z.literal(type), data })

/** The `data` of one server-sent event; its `id` and `event` fields repeat `id` and `type`. */
export const eventSchema = z.discriminatedUnion('type', [
  event('peer:joined', z.object(peerEvent)),
  event('peer:returned', z.object(peerEvent)),
  event('peer:suspected', z.object({ ...peerEvent, silentMs: ms })),
  event('peer:gone', z.object({ ...peerEvent, reason: z.enum(['left', 'silent']) })),
  event('peer:drain-changed', z.object({ ...peerEvent, draining: z.boolean() })),
  event('orchestrator:changed', z.object({ orchestrator: z.string().nullable(), name: z.string().nullable(), term: count })),
  event('voters:changed', z.object({ voters: listOf(z.string()) })),
  event('function:uploaded', z.object({ name: z.string(), revision: count, image: z.string() })),
  event('function:removed', z.object({ name: z.string() })),
  event(
    'invocation:placed',
    z.object({
      invocation: z.string(),
      function: z.string(),
      worker: z.string(),
      placement: placementKindSchema,
      costMs: ms,
      round: count,
      try: count
    })
  ),
  event(
    'invocation:finished',
    z.object({
      invocation: z.string(),
      function: z.string(),
      worker: z.string().nullable(),
      status: z.int(),
      totalMs: ms,
      code: z.string().nullable()
    })
  ),
  event('runtime:state-changed', z.object({ ready: z.boolean(), reason: z.string() }))
])
export type EventItem = z.infer<typeof eventSchema>

/** Last event of a stream whose reader was too slow, under the event name `dropped`: it may come back with `Last-Event-ID`. */
export const droppedSchema = z.object({
  missed: count.describe('events that were not sent'),
  lastId: count.describe('the last that was sent')
})
export type Dropped = z.infer<typeof droppedSchema>

export const logLineSchema = z.object({
  at: time,
  peer: z.string(),
  function: z.string(),
  invocation: z.string().optional(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string()
})
export type LogItem = z.infer<typeof logLineSchema>

// --- the peer itself

export const checkListSchema = z.object({
  ok: z.boolean().describe('all of them hold'),
  items: listOf(z.object({ name: z.string(), ok: z.boolean(), message: z.string(), hint: z.string().optional() }))
})
export type CheckList = z.infer<typeof checkListSchema>

export const pruneResultSchema = z.object({
  dryRun: z.boolean(),
  items: listOf(z.object({ container: z.string(), function: z.string(), reason: z.string() }))
})
export type PruneResult = z.infer<typeof pruneResultSchema>

export const aliveSchema = z.object({ status: z.literal('ok') })
export type Alive = z.infer<typeof aliveSchema>

export const readySchema = z.object({ ready: z.boolean(), reason: z.string() })
export type Ready = z.infer<typeof readySchema>

export const versionSchema = z.object({ name: z.literal('cares'), version: z.string(), node: z.string(), peer: peerRefSchema })
export type Version = z.infer<typeof versionSchema>

/** The schemas that the OpenAPI document names. */
export const REST_SCHEMAS = {
  Problem: problemSchema,
  PeerStats: peerStatsSchema,
  Peer: peerSchema,
  PeerList: peerListSchema,
  DrainResult: drainResultSchema,
  Cluster: clusterSchema,
  LeaveResult: leaveResultSchema,
  Function: functionSchema,
  FunctionList: functionListSchema,
  PutResult: putResultSchema,
  RemoveResult: removeResultSchema,
  Usage: usageSchema,
  Invocation: invocationSchema,
  InvocationList: invocationListSchema,
  Accepted: acceptedSchema,
  CancelResult: cancelResultSchema,
  Verdict: verdictSchema,
  Placement: placementSchema,
  Explanation: explanationSchema,
  Stats: statsSchema,
  Event: eventSchema,
  Dropped: droppedSchema,
  LogLine: logLineSchema,
  CheckList: checkListSchema,
  PruneResult: pruneResultSchema,
  Alive: aliveSchema,
  Ready: readySchema,
  Version: versionSchema
} as const
