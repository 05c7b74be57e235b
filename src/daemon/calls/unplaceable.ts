import { refusalText } from '../../core/scheduler/refusal-text.ts'
import { CaresError } from '../../model/errors.ts'
import { type CallPolicy, type FunctionRecord, functionKey } from '../../model/function.ts'
import type { PeerId } from '../../model/ids.ts'
import type { RemoteError } from '../../model/invocation.ts'
import type { Decision, RejectionReason } from '../../model/placement.ts'
import { fromRemoteError } from '../../model/remote-error.ts'

/** Rejection reasons that do not pass soon enough to wait. */
const LASTING = new Set<RejectionReason>(['not_pinned', 'wrong_arch', 'gpus', 'labels', 'deadline', 'budget', 'draining'])
/** Rejection reasons that pass in a moment if the peer was only slow to answer; if they last, it is gone, or has no engine. */
const PASSING = new Set<RejectionReason>(['not_alive', 'no_runtime'])
/** Refusals of workers that were not reached, have just started again, or whose engine did not answer. */
const PASSING_REFUSALS = new Set<string>(['peer_unreachable', 'stale', 'runtime_unavailable'])

/** What a call that cannot be placed now may wait for: `room`, until its deadline; a peer's `return`, for a moment; `none`: nothing would help. */
export type Cure = 'room' | 'return' | 'none'

/** What to wait for when a placement chose nobody. `refusalOf`: the code with which an excluded peer has refused. */
export function cureOf({ verdicts, skipped }: Decision, refusalOf: (peer: PeerId) => string | undefined): Cure {
  if (skipped > 0) return 'room'
  let cure: Cure = 'none'
  for (const verdict of verdicts) {
    if (verdict.fits) continue
    const one = verdict.reason === 'excluded' ? cureOfRefusal(refusalOf(verdict.peer)) : cureOfReason(verdict.reason)
    if (one === 'room') return one
    if (one === 'return') cure = one
  }
  return cure
}

/** What to wait for when a worker has refused with this code. */
export function cureOfRefusal(code: string | undefined): Cure {
  if (code === undefined) return 'none'
  if (code === 'busy') return 'room'
  return PASSING_REFUSALS.has(code) ? 'return' : 'none'
}

function cureOfReason(reason: RejectionReason): Cure {
  if (LASTING.has(reason)) return 'none'
  return PASSING.has(reason) ? 'return' : 'room'
}

/** Whether a limit of costs is in the way, and nothing that passes. */
export function isTooDear({ rejected, skipped }: Pick<Decision, 'rejected' | 'skipped'>): boolean {
  const met = Object.entries(rejected).flatMap(([reason, count]) => (count > 0 ? [reason as RejectionReason] : []))
  return skipped === 0 && met.includes('budget') && met.every(reason => LASTING.has(reason))
}

/** What needs no quotes in a shell. */
const PLAIN = /^[\w@%+=:,./-]+$/

/** The command line that asks the same without calling. */
function quoteOf({ name }: FunctionRecord, { objective, maxCostUsd, require = [] }: CallPolicy = {}): string {
  return [
    `cares quote ${name}`,
    ...(objective === undefined ? [] : [`--objective ${objective}`]),
    ...(maxCostUsd === undefined ? [] : [`--max-cost ${maxCostUsd}`]),
    ...require.map(label => `--require ${PLAIN.test(label) ? label : `'${label.replaceAll("'", "'\\''")}'`}`)
  ].join(' ')
}

/** Refusals that tell the client more than "no room": one of them is the answer when no other worker is left. */
const TELLING = new Set<string>(['image_not_found', 'image_unsupported', 'runtime_unavailable', 'function_protocol'])

/**
 * What a caller is told whose call no peer could take; `last` is the refusal of the last worker that was tried, `asked` what the call itself asked for,
 * `endsInTime` whether one with nothing else to do would be quick enough: where none is, or where it is too dear, the same call fails again.
 */
export function unplaceable(
  fn: FunctionRecord,
  decision: Decision,
  { last, asked, endsInTime }: { last: RemoteError | undefined; asked?: CallPolicy | undefined; endsInTime: () => boolean }
): CaresError {
  if (last !== undefined && TELLING.has(last.code)) return fromRemoteError(last)
  const because = last === undefined ? '' : `; the last one tried said: ${last.message}`
  const message = `${functionKey(fn)} was not placed: ${refusalText(decision, fn.placement)}${because}`
  const details = { rejected: { ...decision.rejected }, ...(last === undefined ? {} : { lastCode: last.code }) }
  if (isTooDear(decision))
    return new CaresError('no_capacity', message, { hint: `see what it would cost where: ${quoteOf(fn, asked)}`, details })
  if ((decision.rejected.deadline ?? 0) > 0 && !endsInTime())
    return new CaresError('no_capacity', message, {
      hint: 'give it more time: x-cares-timeout of the call, --timeout of the function',
      details
    })
  return new CaresError('no_capacity', message, {
    retryable: true,
    hint: `see which peer lacks what: ${quoteOf(fn, asked)}`,
    details: { ...details, retryAfterMs: 1_000 }
  })
}
