import { z } from 'zod'
import { count, listOf, ms, placementKindSchema, time } from './rest-parts.ts'

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
