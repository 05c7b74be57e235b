import { z } from 'zod'
import { callPolicySchema } from './function-request.ts'
import { INVOCATION_STATES, START_KINDS } from './invocation.ts'
import { ESTIMATE_BASES, OBJECTIVES, REJECTION_REASONS } from './placement.ts'
import { bytes, cacheNeedSchema, count, listOf, ms, peerRefSchema, placementKindSchema, time } from './rest-parts.ts'

/** What an execution took, see `Usage`. */
export const usageSchema = z.object({
  queueMs: ms,
  pullMs: ms,
  startMs: ms,
  runMs: ms,
  cpuMs: ms.optional(),
  memoryPeakBytes: bytes.optional(),
  llcBytes: bytes.optional().describe('of the last-level cache it was confined to so much, to measure that'),
  llcUsedBytes: bytes.optional().describe('what it had of it at its end, as the processor counts it'),
  bytesIn: bytes,
  bytesOut: bytes
})

/** See `InvocationState`. */
export const invocationStateSchema = z.enum(INVOCATION_STATES)
/** See `StartKind`. */
const startKindSchema = z.enum(START_KINDS)

/** An invocation, without the reasons of its placements. Null: not known (yet). */
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
  predictedMs: ms.nullable().optional().describe('what its last placement expected of it; null: not placed, or nobody was chosen'),
  placements: count.describe('how often it was placed'),
  result: z.boolean().describe('whether its answer is kept at /v1/invocations/:id/result')
})
/** An invocation. */
export type Invocation = z.infer<typeof invocationSchema>

/** Invocations, newest first. */
export const invocationListSchema = z.object({
  items: listOf(invocationSchema),
  missing: listOf(peerRefSchema).describe('gateways that did not answer in time: calls through them are not among the items')
})
/** Invocations, newest first. */
export type InvocationList = z.infer<typeof invocationListSchema>

/** The answer 202 to an asynchronous call. */
export const acceptedSchema = z.object({ invocation: z.string(), location: z.string(), state: z.literal('queued') })
/** An asynchronous call was accepted. */
export type Accepted = z.infer<typeof acceptedSchema>

/** Whether there was something to cancel. */
export const cancelResultSchema = z.object({ id: z.string(), found: z.boolean().describe('false: it had ended, or never was') })
/** Whether there was something to cancel. */
export type CancelResult = z.infer<typeof cancelResultSchema>

const costSchema = z.object({ network: ms, start: ms, pull: ms, queue: ms, run: ms, cache: ms.optional(), total: ms })
const rejectionSchema = z.enum(REJECTION_REASONS)

/** One peer as a placement saw it. */
export const verdictSchema = z.object({
  peer: peerRefSchema,
  fits: z.boolean(),
  chosen: z.boolean(),
  why: z.string().describe('the verdict in words, e.g. `memory: needs 256Mi, 118Mi left`'),
  start: z.enum(['warm', 'cold']).optional(),
  cost: costSchema.optional().describe('expected milliseconds to the last byte, by cause'),
  score: z.number().optional().describe('what the strategy decided by, lower is better; absent: the total cost'),
  terms: z
    .object({
      usdPerHour: z.number(),
      usd: z.number(),
      cpuLoad: z.number(),
      memoryLoad: z.number(),
      cpuShare: z.number(),
      turn: z.number(),
      place: z.number(),
      llcFreeBytes: bytes.optional().describe('what those that run there are expected to leave of the last-level cache')
    })
    .optional()
    .describe('the other numbers that strategies go by: with them and the cost the score can be worked out again'),
  reason: rejectionSchema.optional(),
  needed: z.number().optional(),
  available: z.number().optional(),
  constraint: z.string().optional().describe('of `labels`: the first that the peer does not meet'),
  arch: z.object({ image: z.string(), peer: z.string() }).optional().describe('of `wrong_arch`: the CPU architectures that differ')
})
/** One peer as a placement saw it. */
export type VerdictItem = z.infer<typeof verdictSchema>

/** One placement with the numbers that decided it. */
export const placementSchema = z.object({
  at: time,
  by: peerRefSchema,
  placement: placementKindSchema,
  strategy: z.string(),
  objective: z.enum(OBJECTIVES).optional(),
  asked: callPolicySchema.optional().describe('what the call itself asked for, beside what its function does'),
  params: z.string().optional(),
  term: count,
  round: count,
  try: count,
  viewAgeMs: ms.describe('age of the oldest statistics among the candidates'),
  needs: z.object({ cpus: z.number(), memoryBytes: bytes, imageBytes: bytes, gpus: count.optional().describe('absent: none') }),
  estimate: z
    .object({
      runMs: ms,
      coldStartMs: ms,
      warmStartMs: ms,
      pullMs: ms.optional().describe('getting the image there, as observed elsewhere; absent: it goes by its size'),
      outputBytes: bytes,
      samples: count,
      runMsUpper: ms.optional().describe('all but about one execution in twenty take no longer'),
      coldStartMsUpper: ms.optional().describe('all but about one cold start in twenty take no longer'),
      warmStartMsUpper: ms.optional().describe('all but about one warm start in twenty take no longer'),
      runErrorRatio: z.number().optional().describe('half of the recent predictions were off by less than this share'),
      cpuMs: ms.optional(),
      memoryPeakBytes: bytes.optional(),
      memoryPeakBytesUpper: bytes.optional().describe('all but about one execution in twenty need no more'),
      basis: z.enum(ESTIMATE_BASES).optional().describe('how the run time was found'),
      cache: cacheNeedSchema.optional()
    })
    .describe('expected on an idle machine of reference speed'),
  chosen: peerRefSchema.nullable(),
  verdicts: listOf(verdictSchema).describe('chosen first, then by cost, then those that did not fit'),
  skipped: count.describe('peers that were not looked at'),
  remarks: listOf(z.string()).optional().describe('what else to know of it, in words: rules that did not hold for it'),
  rejected: z.partialRecord(rejectionSchema, count)
})
/** One placement. */
export type PlacementItem = z.infer<typeof placementSchema>

/** Why one peer was not chosen. */
export const whyNotSchema = z.object({ peer: peerRefSchema, why: z.string() })

/** Why an invocation ran where it ran, with all numbers that decided. */
export const explanationSchema = z.object({
  invocation: invocationSchema,
  placements: listOf(placementSchema).describe('oldest first'),
  predictedMs: ms.nullable().describe('cost of the last choice'),
  actualMs: ms.nullable(),
  regretMs: ms
    .nullable()
    .optional()
    .describe('by how much the best other peer was expected to be quicker than the chosen one was in truth'),
  recomputes: z
    .boolean()
    .nullable()
    .optional()
    .describe('whether the last decision comes out the same when it is worked out again from these numbers; null: they are not all here'),
  cost: z
    .object({ quotedUsd: z.number(), usd: z.number() })
    .nullable()
    .optional()
    .describe('what it was expected to cost and what it has cost; null: it has not ended, or its peer states no price'),
  whyNot: whyNotSchema.optional().describe('the answer to ?whyNot, of the last placement')
})
/** Why an invocation ran where it ran. */
export type Explanation = z.infer<typeof explanationSchema>
