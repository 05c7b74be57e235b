import { z } from 'zod'
import { COST_KEYS } from './costs.ts'
import { bytes, count, listOf, ms, time } from './rest-parts.ts'

/** Sums over calls and tasks. */
const amounts = {
  calls: count,
  tasks: count.describe('that have ended'),
  failed: count.describe('calls that failed, and tasks that were given up'),
  cpuSeconds: z.number().describe('of one core; of calls and tasks whose containers were measured'),
  gbSeconds: z.number().describe('memory limit times run time, in 10^9 bytes'),
  bytesIn: bytes,
  bytesOut: bytes,
  usd: z.number().describe('by the prices that the peers state'),
  estimatedUsd: z.number().describe('the part of usd that rests on time alone: attempts of tasks that nobody could measure'),
  quotedUsd: z.number().describe('what it was expected to be'),
  runMs: ms.describe('of containers'),
  totalMs: ms.describe('of calls from acceptance to the last byte, of attempts of tasks from assignment to end'),
  predictedMs: ms.describe('what was expected of totalMs'),
  regretMs: ms.describe(
    'of calls that succeeded: by how much the best other peer was expected to be quicker than the chosen one was in truth; 0 where it was not'
  ),
  succeeded: count.describe('calls that succeeded: of so many is regretMs')
}

/** One row of the ledger. Keys that were not asked for are absent. */
export const costRowSchema = z.object({
  function: z.string().optional().describe('of tasks that run no function: `image:` and their image'),
  caller: z.string().optional().describe('what `x-cares-caller` said; empty: nothing'),
  peer: z.string().optional().describe('name of the peer that ran it'),
  ...amounts
})

/** What calls and tasks have cost, as far as the peers that answered know. */
export const costListSchema = z.object({
  by: listOf(z.enum(COST_KEYS)),
  since: time.describe('start of the oldest ledger that is part of this'),
  peers: count.describe('peers whose ledgers are part of this'),
  missing: count.describe('peers that could not be asked'),
  items: listOf(costRowSchema).describe('dearest first'),
  totals: z.object(amounts)
})

/** One row of the ledger. */
export type CostItem = z.infer<typeof costRowSchema>
/** What calls and tasks have cost. */
export type CostList = z.infer<typeof costListSchema>
