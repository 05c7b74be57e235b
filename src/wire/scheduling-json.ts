import { z } from 'zod'
import { ADMISSION_STATES, type AdmissionQuestion, type AdmissionRecord } from '../model/admission.ts'
import type { CostLedger } from '../model/costs.ts'
import { admissionOutcomeSchema, admissionRequestSchema, paramsSchema } from '../model/rest-admissions.ts'
import { readJson } from './json-text.ts'
import { ADMISSION_CHARS_MAX, COST_ROWS_MAX, COSTS_CHARS_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX } from './limits.ts'

/*
 * Costs are read by people, and admissions are what a REST client would ask of the orchestrator itself: both travel as the JSON that they are
 * made of, checked as it would be there.
 */

const id = z.string().min(1).max(ID_CHARS_MAX)
const amount = z.number().min(0)
const whole = z.int().min(0)

const row = z.object({
  function: id,
  caller: z.string().max(ID_CHARS_MAX),
  peer: id,
  calls: whole,
  tasks: whole.exactOptional(),
  failed: whole,
  succeeded: whole.optional(),
  cpuMs: amount,
  gbMs: amount,
  bytesIn: amount,
  bytesOut: amount,
  usd: amount,
  estimatedUsd: amount.optional(),
  quotedUsd: amount,
  runMs: amount,
  totalMs: amount,
  predictedMs: amount,
  regretMs: amount
})
const ledger = z.object({ since: z.string().max(TEXT_CHARS_MAX), rows: z.array(row).max(COST_ROWS_MAX) })

const question = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ask'),
    id,
    request: admissionRequestSchema,
    approved: z.strictObject({ peer: id, elapsedMs: amount }).optional()
  }),
  z.strictObject({ kind: z.literal('read'), id }),
  z.strictObject({ kind: z.literal('complete'), id, outcome: admissionOutcomeSchema }),
  z.strictObject({ kind: z.literal('list') })
])
const record = z.object({
  id,
  name: id,
  params: paramsSchema.optional(),
  inputBytes: amount,
  state: z.enum(ADMISSION_STATES),
  peer: id.nullable(),
  predicted: z.object({ cpus: amount, memoryBytes: amount, diskBytes: amount }),
  predictedMs: amount,
  samples: whole,
  waitMs: amount.nullable(),
  why: z.string().max(TEXT_CHARS_MAX).optional(),
  ahead: whole,
  at: z.string().max(TEXT_CHARS_MAX),
  leaseMs: amount
})

/** A ledger of costs from its JSON text. Throws `protocol`. */
export function readLedger(json: string): CostLedger {
  return readJson<unknown>('ledger of costs', ledger, json, COSTS_CHARS_MAX) as CostLedger
}

/** A question about admissions, from its JSON text. Throws `protocol`. */
export function readQuestion(json: string): AdmissionQuestion {
  return readJson<unknown>('question about an admission', question, json, ADMISSION_CHARS_MAX) as AdmissionQuestion
}

/** An admission, from its JSON text. Throws `protocol`. */
export function readAdmission(json: string): AdmissionRecord {
  return readJson<unknown>('admission', record, json, ADMISSION_CHARS_MAX) as AdmissionRecord
}
