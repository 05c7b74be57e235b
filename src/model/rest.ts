import { z } from 'zod'
import { ERROR_CODES, type ErrorCode } from './errors.ts'
import { CONTRACTS, NETWORK_POLICIES } from './function.ts'
import { placementPolicySchema } from './function-request.ts'
import { LOG_STREAMS } from './logs.ts'
import { PEER_RUNTIMES, PEER_STATES } from './peer.ts'
import { OBJECTIVES, STRATEGY_NAMES } from './placement.ts'
import { bytes, count, listOf, llcSchema, ms, peerRefSchema, placementKindSchema, time } from './rest-parts.ts'

/*
 * The JSON of the REST API: what `api/` answers and what the faces read. Sizes are bytes, durations `…Ms`, times RFC 3339, lists
 * `{ items: [...] }`. Within `/v1` fields are only ever added, so readers ignore what they do not know; requests with unknown fields are
 * refused.
 */

// --- errors

const errorCodes = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]

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
/** An error answer. */
export type Problem = z.infer<typeof problemSchema>

// --- peers

/** See `PeerState`. */
const peerStateSchema = z.enum(PEER_STATES)
/** The role of a peer. */
const peerRoleSchema = z.enum(['orchestrator', 'worker'])

const amountSchema = z.object({ cpus: z.number(), memoryBytes: bytes, diskBytes: bytes })
const reservedSchema = z.object({ cpus: z.number(), memoryBytes: bytes })

/** The numbers of one peer: what `cares peers` and `cares stats` show. */
export const peerStatsSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: peerStateSchema,
  role: peerRoleSchema,
  capacity: amountSchema.describe('what the peer can give in all'),
  used: amountSchema.describe('in use on the machine, by anyone; of a peer that may have a part of the machine, that part of it'),
  pressure: z
    .object({ cpu: z.number(), memory: z.number(), io: z.number(), cpusStolen: z.number() })
    .optional()
    .describe(
      'share of the last ten seconds, from 0 to 1, in which something waited for it, and cores that a hypervisor kept; absent: the machine does not tell'
    ),
  reserved: reservedSchema.describe('promised to executions and warm containers'),
  running: count.describe('calls, tasks and services'),
  tasks: count.optional().describe('of those that run: tasks and services; absent: an older CARES answers'),
  succeeded: count.describe('since the peer started'),
  failed: count.describe('since the peer started'),
  ageMs: ms.describe('since the newest word of the peer')
})
/** The numbers of one peer. */
export type PeerStatsItem = z.infer<typeof peerStatsSchema>

/** All that is known of one peer. */
export const peerSchema = peerStatsSchema.extend({
  voter: z.boolean(),
  term: count.describe('the newest that the peer has said it knows'),
  version: z.string(),
  commandVersion: count.optional().describe('the newest version of commands in the log that it reads; absent: an older CARES answers'),
  runtime: z.enum(PEER_RUNTIMES),
  runtimeReady: z.boolean(),
  fenced: z.boolean().optional().describe('true: it takes no part in what is agreed any more, since its disk failed or is not what it was'),
  arch: z.string(),
  labels: z.record(z.string(), z.string()),
  gpuRefusal: z.string().optional().describe('why the GPUs of its machine are given to no function; absent: they are, or there are none'),
  addresses: listOf(z.string()).describe('multiaddrs, without the /p2p/ part'),
  api: z.string().describe('host:port of its HTTP API'),
  warm: listOf(z.object({ function: z.string().describe('name@revision'), idle: count, busy: count })),
  images: count.describe('images of registered functions on the machine'),
  llc: llcSchema.nullable().optional().describe('null: it runs no functions, or does not say'),
  usdPerHour: z.number().describe('price of the whole machine; 0: not stated'),
  startedAt: time
})
/** One peer. */
export type Peer = z.infer<typeof peerSchema>

/** Whose view it is: each peer answers from what it knows. */
export const viewSchema = z.object({ peer: z.string(), name: z.string() })

/** Every peer, and whose view it is. */
export const peerListSchema = z.object({ items: listOf(peerSchema), view: viewSchema })
/** Every peer. */
export type PeerList = z.infer<typeof peerListSchema>

/** What `drain` and `resume` have done. */
export const drainResultSchema = z.object({ id: z.string(), name: z.string(), draining: z.boolean() })
/** What `drain` and `resume` have done. */
export type DrainResult = z.infer<typeof drainResultSchema>

// --- cluster

/** Which strategy places calls of functions that leave it open. */
export const strategySchema = z.object({
  name: z.enum(STRATEGY_NAMES),
  objective: z.enum(OBJECTIVES).nullable().describe('what `cost` saves; null for the others'),
  agreed: z.boolean().describe('whether the cluster has agreed on it; if not, each peer places by its own `--strategy`')
})
/** Which strategy places calls of functions that leave it open. */
export type StrategyItem = z.infer<typeof strategySchema>

/** How the cluster stands, as the peer that was asked knows it. */
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
  names: z
    .record(z.string(), z.string())
    .optional()
    .describe('of members that the peer has not heard since it started: what they were called; absent: it knows of none'),
  quorum: count.describe('voters that must acknowledge'),
  faultTolerance: count.describe('voters that may die now, beside those that are gone or take no part, with uploads going on'),
  lastIndex: count,
  commitIndex: count,
  appliedIndex: count,
  commandVersion: count
    .optional()
    .describe('of the newest command that was agreed: what a peer must read to join; absent: an older CARES answers'),
  lag: z.record(z.string(), count).optional().describe('entries that each other peer lacked when it was last heard'),
  strategy: strategySchema,
  fenced: z.string().nullable().describe('why this peer takes no part any more; null when it does')
})
/** How the cluster stands. */
export type Cluster = z.infer<typeof clusterSchema>

/** What became of a peer that was to be removed from the cluster. */
export const removePeerResultSchema = z.object({
  id: z.string(),
  name: z.string(),
  removed: z.boolean().describe('false: it was no member any more')
})
/** What became of a peer that was to be removed from the cluster. */
export type RemovePeerResult = z.infer<typeof removePeerResultSchema>

/** The peer that was asked has left its cluster for good. */
export const leaveResultSchema = z.object({ left: z.literal(true) })
/** The peer has left. */
export type LeaveResult = z.infer<typeof leaveResultSchema>

// --- functions

/** A function as the cluster has agreed on it, and where it is called. */
export const functionSchema = z.object({
  name: z.string(),
  image: z.string().describe('as the user wrote it'),
  digest: z.string().describe('the content that every worker runs'),
  imageBytes: bytes,
  arch: z.string().optional().describe('CPU architecture of the image, which only peers of the same run; absent: it fits anywhere'),
  contract: z.enum(CONTRACTS),
  port: count,
  readyPath: z.string().optional(),
  cpus: z.number(),
  memoryBytes: bytes,
  timeoutMs: ms,
  concurrency: count,
  gpus: count.optional(),
  prewarm: z.union([count, z.literal('auto')]),
  idempotent: z.boolean(),
  env: z.record(z.string(), z.string()),
  network: z.enum(NETWORK_POLICIES),
  placement: placementPolicySchema.optional().describe('how workers are chosen; absent: as whoever places would have it'),
  revision: count,
  updatedAt: time,
  url: z.string().describe('where it is called, on the host that was asked')
})
/** A function. */
export type FunctionItem = z.infer<typeof functionSchema>

/** Every function, by name. */
export const functionListSchema = z.object({ items: listOf(functionSchema) })
/** Every function. */
export type FunctionList = z.infer<typeof functionListSchema>

/** What creating or changing a function has done, or would do. */
export const putResultSchema = z.object({
  result: z.enum(['created', 'updated', 'unchanged']),
  dryRun: z.boolean().describe('true: nothing was changed, this is what would be'),
  because: z.string().describe('which evidence decided the contract'),
  warnings: z.array(z.string()).optional().describe('what is allowed and perhaps not meant, e.g. that no peer could run it'),
  function: functionSchema
})
/** What creating or changing a function has done. */
export type PutResultBody = z.infer<typeof putResultSchema>

/** What was removed. */
export const removeResultSchema = z.object({ name: z.string(), revision: count.describe('the one that was removed') })
/** What was removed. */
export type RemoveResult = z.infer<typeof removeResultSchema>

// --- numbers

/** The numbers of every peer, their sums, and what came through the peer that was asked. */
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
/** The numbers of the cluster. */
export type Stats = z.infer<typeof statsSchema>

// --- streams

/** Tells of a gap, under the event name `dropped`: the events between those before and after it are not kept any more, or not known. */
export const droppedSchema = z.object({
  missed: count.describe('events that were not sent; 0 where that cannot be known, after a restart of the peer'),
  lastId: count.describe('the last before the gap'),
  reason: z
    .enum(['slow', 'expired', 'restarted'])
    .describe('the reader was too slow, was away for too long, or its Last-Event-ID is of an earlier life of the peer')
})
/** A gap in a stream of events. */
export type Dropped = z.infer<typeof droppedSchema>

/** One line of a function’s log. */
export const logLineSchema = z.object({
  at: time,
  peer: z.string(),
  function: z.string(),
  invocation: z.string().optional(),
  stream: z.enum(LOG_STREAMS),
  text: z.string()
})
/** One line of a function’s log. */
export type LogItem = z.infer<typeof logLineSchema>

// --- the peer itself

/** What must hold for the peer to work well, and whether it does. */
export const checkListSchema = z.object({
  ok: z.boolean().describe('all of them hold'),
  items: listOf(z.object({ name: z.string(), ok: z.boolean(), message: z.string(), hint: z.string().optional() }))
})
/** What must hold for the peer to work well. */
export type CheckList = z.infer<typeof checkListSchema>

/** What was removed, or would be. */
export const pruneResultSchema = z.object({
  dryRun: z.boolean(),
  items: listOf(z.object({ container: z.string(), function: z.string(), reason: z.string() }))
})
/** What was removed. */
export type PruneResult = z.infer<typeof pruneResultSchema>

/** The process answers. */
export const aliveSchema = z.object({ status: z.literal('ok') })
/** The process answers. */
export type Alive = z.infer<typeof aliveSchema>

/** Whether the peer can answer function calls, and if not, why. */
export const readySchema = z.object({ ready: z.boolean(), reason: z.string() })
/** Whether the peer can answer function calls. */
export type Ready = z.infer<typeof readySchema>

/** Who answers, and in which version. */
export const versionSchema = z.object({ name: z.literal('cares'), version: z.string(), node: z.string(), peer: peerRefSchema })
/** Which peer answers, and in which version of CARES. */
export type Version = z.infer<typeof versionSchema>
