import { z } from 'zod'
import { ALERT_RULE_NAMES, ALERT_SEVERITIES, ALERT_UNITS } from './alerts.ts'
import { OBJECTIVES, STRATEGY_NAMES } from './placement.ts'
import { count, listOf, ms, placementKindSchema, time } from './rest-parts.ts'
import { taskStateSchema } from './rest-tasks.ts'
import { SERVICE_HEALTHS } from './task.ts'

const peerEvent = { peer: z.string(), name: z.string() }
const taskEvent = { task: z.string(), name: z.string() }
const event = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ id: count, at: time, type: z.literal(type), data })

/** One condition that holds, or has held. */
export const alertSchema = z.object({
  key: z.string().describe('the rule and the id of its subject: at most one alert of a key is raised at a time'),
  rule: z.enum(ALERT_RULE_NAMES),
  severity: z.enum(ALERT_SEVERITIES),
  subject: z.object({ kind: z.enum(['peer', 'function', 'cluster']), id: z.string(), name: z.string() }),
  state: z.enum(['raised', 'cleared']),
  raisedAt: time,
  clearedAt: time.optional(),
  value: z.number().describe('the newest, in the unit of the rule'),
  threshold: z.number(),
  unit: z.enum(ALERT_UNITS),
  message: z.string()
})
/** One condition that holds, or has held. */
export type AlertItem = z.infer<typeof alertSchema>

/** The `data` of one server-sent event; its `id` and `event` fields repeat `id` and `type`. */
export const eventSchema = z.discriminatedUnion('type', [
  event('peer:joined', z.object(peerEvent)),
  event('peer:returned', z.object(peerEvent)),
  event('peer:suspected', z.object({ ...peerEvent, silentMs: ms })),
  event('peer:gone', z.object({ ...peerEvent, reason: z.enum(['left', 'silent']) })),
  event('peer:drain-changed', z.object({ ...peerEvent, draining: z.boolean() })),
  event('orchestrator:changed', z.object({ orchestrator: z.string().nullable(), name: z.string().nullable(), term: count })),
  event('voters:changed', z.object({ voters: listOf(z.string()) })),
  event('strategy:changed', z.object({ name: z.enum(STRATEGY_NAMES).nullable(), objective: z.enum(OBJECTIVES).nullable() })),
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
  event('task:submitted', z.object(taskEvent)),
  event('task:started', z.object({ ...taskEvent, attempt: count, worker: z.string() })),
  event('task:health-changed', z.object({ ...taskEvent, attempt: count, worker: z.string(), health: z.enum(SERVICE_HEALTHS) })),
  event('task:port-refused', z.object({ port: count, ...taskEvent, reason: z.string() })),
  event('task:requeued', z.object({ ...taskEvent, attempt: count, code: z.string().nullable() })),
  event(
    'task:finished',
    z.object({ ...taskEvent, state: taskStateSchema, attempt: count, worker: z.string().nullable(), code: z.string().nullable() })
  ),
  event('image:progressed', z.object({ function: z.string(), from: z.string(), bytes: count, imageBytes: count })),
  event('image:arrived', z.object({ function: z.string(), bytes: count, tookMs: ms })),
  event('image:failed', z.object({ function: z.string(), code: z.string(), reason: z.string() })),
  event('runtime:state-changed', z.object({ ready: z.boolean(), reason: z.string() })),
  event('alert:raised', alertSchema),
  event('alert:cleared', alertSchema)
])
/** One event. */
export type EventItem = z.infer<typeof eventSchema>
