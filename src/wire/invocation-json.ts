import { z } from 'zod'
import { CONSTRAINTS_MAX } from '../model/function.ts'
import { CACHE_BASES } from '../model/llc.ts'
import { ERROR_CHARS_MAX } from '../model/remote-error.ts'
import { INVOCATION_STATES, type InvocationRecord, START_KINDS } from '../model/invocation.ts'
import type { InvocationSummary } from '../model/invocation-list.ts'
import { ESTIMATE_BASES, OBJECTIVES, PLACEMENT_KINDS, type Receipt, REJECTION_REASONS } from '../model/placement.ts'
import { readJson } from './json-text.ts'
import {
  ID_CHARS_MAX,
  PATH_CHARS_MAX,
  PEERS_MAX,
  RECEIPT_CHARS_MAX,
  RECORD_CHARS_MAX,
  SUMMARY_CHARS_MAX,
  TEXT_CHARS_MAX
} from './limits.ts'

/*
 * Receipts and invocation records are read by people and tools; no peer decides by them. They travel as JSON text, so that a new field needs
 * no new wire format, and unknown fields are dropped, so that an older peer can read a newer one's.
 */

const RECEIPTS_MAX = 8

const id = z.string().min(1).max(ID_CHARS_MAX)
const line = z.string().max(TEXT_CHARS_MAX)
const amount = z.number().min(0)
const whole = z.int().min(0)

const reason = z.enum(REJECTION_REASONS)
const placement = z.enum(PLACEMENT_KINDS)

const cost = z.object({ network: amount, start: amount, pull: amount, queue: amount, run: amount, cache: amount.optional(), total: amount })
const estimate = z.object({
  runMs: amount,
  coldStartMs: amount,
  warmStartMs: amount,
  pullMs: amount.optional(),
  outputBytes: amount,
  samples: amount,
  runMsUpper: amount.optional(),
  coldStartMsUpper: amount.optional(),
  warmStartMsUpper: amount.optional(),
  runErrorRatio: amount.optional(),
  cpuMs: amount.optional(),
  memoryPeakBytes: amount.optional(),
  memoryPeakBytesUpper: amount.optional(),
  basis: z.enum(ESTIMATE_BASES).optional(),
  cache: z.object({ bytes: amount, slowdown: amount, basis: z.enum(CACHE_BASES) }).optional()
})
const terms = z.object({
  usdPerHour: amount,
  usd: amount,
  cpuLoad: amount,
  memoryLoad: amount,
  cpuShare: amount,
  turn: amount,
  place: amount,
  llcFreeBytes: amount.optional()
})
const expected = z.object({ start: z.enum(['warm', 'cold']), queueMs: amount, totalMs: amount, usd: amount })
const verdict = z.discriminatedUnion('fits', [
  z.object({
    peer: id,
    fits: z.literal(true),
    cost,
    start: z.enum(['warm', 'cold']),
    score: z.number().optional(),
    terms: terms.optional()
  }),
  z.object({
    peer: id,
    fits: z.literal(false),
    reason,
    needed: z.number().optional(),
    available: z.number().optional(),
    constraint: line.optional(),
    arch: z.object({ image: line, peer: line }).optional()
  })
])
const decision = z.object({
  chosen: id.nullable(),
  expected: expected.nullable().optional(),
  verdicts: z.array(verdict).max(PEERS_MAX),
  skipped: whole,
  rejected: z.partialRecord(reason, whole)
})
const asked = z.object({
  objective: z.enum(OBJECTIVES).optional(),
  maxCostUsd: amount.optional(),
  require: z.array(line).max(CONSTRAINTS_MAX).optional()
})
const receipt = z.object({
  invocation: id,
  function: id,
  at: line,
  by: id,
  term: whole,
  placement,
  strategy: line,
  objective: z.enum(OBJECTIVES).optional(),
  asked: asked.optional(),
  params: line.optional(),
  round: whole,
  try: whole,
  cpus: amount,
  memoryBytes: amount,
  imageBytes: amount,
  gpus: amount.optional(),
  estimate,
  decision,
  viewAgeMs: amount
})
const usage = z.object({
  queueMs: amount,
  pullMs: amount,
  startMs: amount,
  runMs: amount,
  cpuMs: amount.optional(),
  disturbed: z.literal(true).optional(),
  memoryPeakBytes: amount.optional(),
  llcBytes: amount.optional(),
  llcUsedBytes: amount.optional(),
  bytesIn: whole,
  bytesOut: whole
})
const record = z.object({
  id,
  function: id,
  revision: whole,
  gateway: id,
  state: z.enum(INVOCATION_STATES),
  acceptedAt: line,
  method: line,
  path: z.string().max(PATH_CHARS_MAX),
  worker: id.optional(),
  start: z.enum(START_KINDS).optional(),
  placement: placement.optional(),
  status: whole.optional(),
  error: z.object({ code: id, message: z.string().max(ERROR_CHARS_MAX) }).optional(),
  usage: usage.optional(),
  totalMs: amount.optional(),
  caller: line.optional(),
  receipts: z.array(receipt).max(RECEIPTS_MAX)
})

const summary = record.omit({ receipts: true }).extend({ placements: whole, predictedMs: amount.nullable(), hasResult: z.boolean() })

/** A receipt from its JSON text. Throws `protocol`. */
export function readReceipt(json: string): Receipt {
  return readJson<unknown>('receipt', receipt, json, RECEIPT_CHARS_MAX) as Receipt
}

/** An invocation record from its JSON text. Throws `protocol`. */
export function readRecord(json: string): InvocationRecord {
  return readJson<unknown>('invocation record', record, json, RECORD_CHARS_MAX) as InvocationRecord
}

/** An invocation as lists show it, from its JSON text. Throws `protocol`. */
export function readSummary(json: string): InvocationSummary {
  return readJson<unknown>('invocation summary', summary, json, SUMMARY_CHARS_MAX) as InvocationSummary
}
