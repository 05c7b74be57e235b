import type { IncomingHttpHeaders } from 'node:http'
import { CaresError } from '../model/errors.ts'

/** What a client may call itself: it becomes a key in the ledger of costs. */
const CALLER = /^[\w.@:/+-]{1,64}$/

/** Who is charged for a call or a task, as `x-cares-caller` says. Throws `invalid` for what is no name. */
export function chargedCaller(headers: IncomingHttpHeaders): string | undefined {
  const caller = headers['x-cares-caller']
  if (caller === undefined) return undefined
  // Node joins a header that is sent twice by a comma, which is no part of a name.
  if (typeof caller === 'string' && CALLER.test(caller)) return caller
  throw new CaresError('invalid', 'x-cares-caller must be 1 to 64 letters, digits or any of ._@:/+-')
}
