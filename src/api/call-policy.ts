import type { IncomingHttpHeaders } from 'node:http'
import { CaresError } from '../model/errors.ts'
import { callPolicySchema } from '../model/function-request.ts'
import type { CallPolicy } from '../model/function.ts'
import { POLICY_HEADERS } from '../model/invocation.ts'
import { parseWith } from '../model/validation.ts'

/** A price in dollars as people and programs write it: small ones with an exponent, too. */
const USD = /^(?:\d+\.?\d*|\.\d+)(?:e-?\d{1,2})?$/i

const { objective, maxCostUsd, require } = callPolicySchema.shape

/** What the headers of a call ask of its placement. Absent: nothing. Throws `invalid`, naming the header. */
export function readCallPolicy(headers: IncomingHttpHeaders): CallPolicy | undefined {
  const aim = headers[POLICY_HEADERS.objective]
  const cost = headers[POLICY_HEADERS.maxCostUsd]
  const labels = headers[POLICY_HEADERS.require]
  if (aim === undefined && cost === undefined && labels === undefined) return undefined
  return {
    ...(aim === undefined ? {} : { objective: parseWith(objective, aim, POLICY_HEADERS.objective) }),
    ...(cost === undefined ? {} : { maxCostUsd: parseWith(maxCostUsd, usdOf(String(cost)), POLICY_HEADERS.maxCostUsd) }),
    ...(labels === undefined ? {} : { require: parseWith(require, labelsOf(String(labels)), POLICY_HEADERS.require) })
  }
}

/** Labels as one header or query parameter says several. */
export function labelsOf(text: string): readonly string[] {
  return text.split(',').map(label => label.trim())
}

/** A number of dollars, or `invalid`. */
export function usdOf(text: string, name: string = POLICY_HEADERS.maxCostUsd): number {
  if (!USD.test(text)) throw new CaresError('invalid', `${name} is not a number of dollars`, { hint: 'write it like 0.001' })
  return Number(text)
}
