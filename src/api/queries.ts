import { z } from 'zod'
import { CaresError } from '../model/errors.ts'
import { parseDurationMs } from '../model/units.ts'

/** `?flag`, `?flag=true` or `1` are true; `false` or `0` are false. */
export const flag = z.enum(['', 'true', 'false', '1', '0']).transform(text => text === '' || text === 'true' || text === '1')

/** A whole number in decimal. */
export const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)

/** Longest that `?wait` lets a request wait: proxies cut a silent connection after a minute or more. To wait longer, a client asks again. */
export const WAIT_MS_MAX = 60_000

/** A duration such as `30s`, in milliseconds. Longer ones are cut to `msMax`. */
export function duration(msMax: number) {
  return z.string().transform((text, context) => {
    try {
      return Math.min(parseDurationMs(text), msMax)
    } catch (error) {
      if (!(error instanceof CaresError)) throw error
      context.addIssue({ code: 'custom', message: `${error.message}: ${error.hint}` })
      return z.NEVER
    }
  })
}

/** The `:name` or `:id` part of a path. What it names is looked up, so anything of a reasonable length is a valid question. */
export const pathPart = z.string().max(256)

/** What else an explanation is to tell. */
export const explainQuery = z.strictObject({ whyNot: pathPart.optional().describe('a peer, by id or name') })
