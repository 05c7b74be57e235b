import { z } from 'zod'
import { ALERT_RULE_NAMES, ALERT_SEVERITIES, ALERT_UNITS } from './alerts.ts'
import { alertSchema, eventSchema } from './rest-events.ts'
import { count, listOf, ms, peerRefSchema, time } from './rest-parts.ts'
import { clusterSchema, peerSchema, problemSchema, viewSchema } from './rest.ts'

// --- history: `/v1/stats/history`

const series = listOf(z.number().nullable())
const counts = listOf(count)

/** One peer's numbers over time. Every list has `steps` items, oldest first; null where nothing was known of the peer. */
export const peerHistorySchema = z.object({
  id: z.string(),
  name: z.string(),
  cpusUsed: series.describe('cores in use on the machine, at the end of each step, or their mean over a step of a minute'),
  memoryUsedBytes: series,
  diskUsedBytes: series,
  cpusReserved: series,
  memoryReservedBytes: series,
  running: series,
  succeeded: series.describe('executions that ended well within the step'),
  failed: series.describe('executions that failed within the step')
})
/** One peer's numbers over time. */
export type PeerHistoryItem = z.infer<typeof peerHistorySchema>

/** One function's calls over time, through whichever peers they came. */
export const functionHistorySchema = z.object({
  name: z.string().describe('`other` stands for those beyond the number that is counted one by one'),
  calls: counts.describe('calls that ended within the step'),
  failed: counts.describe('of these, how many ended with an error code or a status of 500 or above; cancelled ones do not count'),
  cold: counts.describe('of these, how many waited for a container to start'),
  p50Ms: series.describe('median duration; null where no call ended'),
  p95Ms: series,
  p99Ms: series,
  overall: z
    .object({ calls: count, failed: count, cold: count, p50Ms: ms.nullable(), p95Ms: ms.nullable(), p99Ms: ms.nullable() })
    .describe('all steps together; a percentile of them is not the mean of theirs')
})
/** One function's calls over time. */
export type FunctionHistoryItem = z.infer<typeof functionHistorySchema>

/** What has been, in steps of equal length that are over. */
export const statsHistorySchema = z.object({
  at: time.describe('the end of the last step'),
  stepMs: ms.describe('length of a step: 5000 for up to an hour, 60000 for up to a day'),
  steps: count.describe('items of every list'),
  view: viewSchema,
  peers: listOf(peerHistorySchema),
  functions: listOf(functionHistorySchema),
  missing: listOf(peerRefSchema).describe('peers that are there and did not tell of the calls through them: `functions` are without those')
})
/** What peers used and functions did, by time. */
export type StatsHistoryBody = z.infer<typeof statsHistorySchema>

// --- alerts: `/v1/alerts`

/** What holds now, what has held lately, and the rules. */
export const alertListSchema = z.object({
  items: listOf(alertSchema).describe('alerts that are raised, most severe first'),
  recent: listOf(alertSchema).describe('the last 100 that were cleared, newest first'),
  rules: listOf(
    z.object({
      name: z.enum(ALERT_RULE_NAMES),
      severity: z.enum(ALERT_SEVERITIES),
      unit: z.enum(ALERT_UNITS),
      raiseAt: z.number(),
      clearBelow: z.number(),
      forMs: ms.describe('how long the value must have been there'),
      clearForMs: ms,
      description: z.string()
    })
  ),
  webhook: z
    .object({ delivered: count, failed: count.describe('given up after all tries'), waiting: count, lastError: z.string().nullable() })
    .nullable()
    .describe('null: none is configured')
})
/** What holds now, and what has held lately. */
export type AlertList = z.infer<typeof alertListSchema>

// --- the WebSocket: `/v1/ws`, subprotocol `cares.v1`

/** Subprotocol of the WebSocket. A client offers it, and, where it cannot set headers, `cares.token.` and its token in base64url beside it. */
export const WS_PROTOCOL = 'cares.v1'
/** Begins the offered subprotocol that carries a token. The server never selects it. */
export const WS_TOKEN_PREFIX = 'cares.token.'

/** What a client may send: it replaces the subscription that the query of the URL made, and is answered by a `snapshot`. */
export const wsSubscribeSchema = z.strictObject({
  type: z.literal('subscribe'),
  peers: z.array(z.string().max(256)).max(256).optional().describe('names, ids or unique beginnings of ids; absent: all peers'),
  types: z.array(z.string().max(64)).max(64).optional().describe('names of events or their nouns; absent: all, empty: none'),
  stats: z.boolean().optional().describe('whether `peers` messages are wanted; absent: yes'),
  after: z.string().max(64).optional().describe('the id of the last event that was seen, as `lastId` gives it: go on after it')
})
/** What a client of `/v1/ws` may send. */
export type WsSubscribe = z.infer<typeof wsSubscribeSchema>

const lastId = z.string().describe('id of the newest event that this message includes, for `after`')

/** One message of the server. */
export const wsMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello').describe('the first message'),
    protocol: z.literal(WS_PROTOCOL),
    peer: peerRefSchema.describe('the peer that answers'),
    version: z.string(),
    at: time
  }),
  z.object({
    type: z
      .literal('snapshot')
      .describe('everything as it stands; before the first change, after `subscribe`, and when peers were forgotten'),
    at: time,
    cluster: clusterSchema,
    peers: listOf(peerSchema),
    lastId
  }),
  z.object({
    type: z.literal('peers').describe('the peers of which something is new, whole; a slow client gets the newest state only'),
    at: time,
    items: listOf(peerSchema)
  }),
  z.object({ type: z.literal('events'), items: listOf(eventSchema).describe('oldest first'), lastId }),
  z.object({
    type: z.literal('missed').describe('events that are not kept any more, or not known: the client was too slow, or away for too long'),
    events: count.describe('how many; 0 where that cannot be known, after a restart of the peer'),
    reason: z.enum(['slow', 'expired', 'restarted']),
    lastId: z.string().describe('the last event before the gap')
  }),
  z.object({
    type: z.literal('problem').describe('what was wrong with a message of the client; nothing has changed'),
    problem: problemSchema
  })
])
/** One message of the server. */
export type WsMessage = z.infer<typeof wsMessageSchema>
