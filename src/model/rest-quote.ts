import { z } from 'zod'
import { callPolicySchema } from './function-request.ts'
import { ESTIMATE_BASES, OBJECTIVES, STRATEGY_NAMES } from './placement.ts'
import { verdictSchema } from './rest-invocations.ts'
import { bytes, cacheNeedSchema, count, listOf, ms, peerRefSchema } from './rest-parts.ts'

const usd = z.number().describe('US dollars')

/** What a call would cost, and where it would run, if it came now. Nothing is run or reserved for it. */
export const quoteSchema = z.object({
  function: z.string(),
  revision: count,
  inputBytes: bytes,
  params: z.string().optional(),
  asked: callPolicySchema.optional().describe('what the call would ask of its placement, beside what the function does'),
  strategy: z.enum(STRATEGY_NAMES),
  objective: z.enum(OBJECTIVES),
  peer: peerRefSchema.nullable().describe('who would run it; null: nobody could, see `why`'),
  start: z.enum(['warm', 'cold']).nullable(),
  why: z.string().describe('in words'),
  time: z
    .object({ ms, upperMs: ms })
    .nullable()
    .describe('from its arrival to the end of its answer; all but about one in twenty take no longer than `upperMs`'),
  run: z.object({ ms, upperMs: ms, cpuMs: ms.optional() }).describe('of the function itself, on a machine of reference speed'),
  memory: z.object({ bytes: bytes.optional(), upperBytes: bytes.optional(), limitBytes: bytes }),
  outputBytes: bytes,
  cache: cacheNeedSchema.optional(),
  cost: z.object({ usd, upperUsd: usd }).nullable().describe('by the price of the peer; null: the peer states none'),
  sure: z
    .object({
      level: z
        .enum(['guess', 'rough', 'good'])
        .describe('guess: fewer than 3 executions; good: 10, and half of them predicted within 20 %'),
      samples: count.describe('executions that it rests on'),
      basis: z.enum(ESTIMATE_BASES).optional(),
      errorRatio: z.number().optional().describe('half of the recent predictions were off by less than this share')
    })
    .describe('how sure it is'),
  remarks: listOf(z.string()).optional().describe('what else to know of it, in words: rules that do not hold for it, or not yet'),
  candidates: listOf(verdictSchema).describe('every peer that was looked at, the chosen one first')
})

/** What a call would cost. */
export type Quote = z.infer<typeof quoteSchema>
