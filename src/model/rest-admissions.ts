import { z } from 'zod'
import { ADMISSION_STATES } from './admission.ts'
import { FUNCTION_LIMITS } from './function-request.ts'
import { bytes, count, listOf, ms, peerRefSchema, time } from './rest-parts.ts'

/** Longest that an admission may ask for, in any of its times. */
const MS_MAX = 7 * 86_400_000

const duration = z.int().min(0).max(MS_MAX)
const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Longest text of declared parameters. */
const PARAMS_CHARACTERS_MAX = 256

/** Declared parameters of work: printable, one line. */
export const paramsSchema = z
  .string()
  .max(PARAMS_CHARACTERS_MAX)
  .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')

/** The body of `POST /v1/admissions`: work that somebody runs outside CARES asks for room. What is absent is predicted from earlier work. */
export const admissionRequestSchema = z.strictObject({
  name: z.string().regex(FUNCTION_LIMITS.namePattern, 'must be 1 to 63 of a-z, 0-9 and -, and start with a letter'),
  params: paramsSchema.optional().describe('declared parameters, such as `quality=high`: work with the same ones is taken for more alike'),
  inputBytes: size.optional(),
  cpus: z.number().min(0).max(FUNCTION_LIMITS.cpusMax).optional(),
  memoryBytes: size.optional(),
  diskBytes: size.optional(),
  expectedMs: duration.optional(),
  waitMaxMs: duration.optional().describe('longest that it would wait; 0: refuse where it would have to; an hour if absent'),
  on: z.string().max(256).optional().describe('the only peer that will do, by id or name')
})

/** One admission. */
export const admissionSchema = z.object({
  id: z.string(),
  name: z.string(),
  params: z.string().optional(),
  inputBytes: bytes,
  state: z.enum(ADMISSION_STATES),
  peer: peerRefSchema.nullable().describe('where it may run; null while it waits'),
  predicted: z.object({ cpus: z.number(), memoryBytes: bytes, diskBytes: bytes }),
  predictedMs: ms,
  samples: count.describe('earlier work that the prediction rests on'),
  waitMs: ms.nullable().describe('until it is expected to be approved; null: what is in its way was not admitted, so nobody knows'),
  why: z.string().optional().describe('in words, where `waitMs` is null: what of which peer it waits for'),
  ahead: count.describe('how many wait before it'),
  at: time,
  leaseMs: ms.describe('after so long it stops counting, though nobody has said that it ended')
})

/** Admissions that the orchestrator knows, newest first. */
export const admissionListSchema = z.object({ items: listOf(admissionSchema) })

/** The body of `POST /v1/admissions/:id/complete`. What is absent is not learned. */
export const admissionOutcomeSchema = z.strictObject({
  runMs: z.number().min(0).max(MS_MAX).optional(),
  cpuMs: z.number().min(0).optional(),
  memoryPeakBytes: size.optional(),
  outputBytes: size.optional(),
  failed: z.boolean().optional().describe('it frees its room, and teaches nothing')
})

/** One admission. */
export type Admission = z.infer<typeof admissionSchema>
/** Admissions that the orchestrator knows, newest first. */
export type AdmissionList = z.infer<typeof admissionListSchema>
