import { refusalText } from '../core/scheduler/refusal-text.ts'
import { CaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { PeerId } from '../model/ids.ts'
import type { RemoteError } from '../model/invocation.ts'
import type { Decision, RejectionReason } from '../model/placement.ts'
import { fromRemoteError } from '../model/remote-error.ts'

/** Reasons that waiting does not cure soon enough to wait for it. */
const LASTING = new Set<RejectionReason>([
  'not_pinned',
  'no_runtime',
  'wrong_arch',
  'labels',
  'deadline',
  'budget',
  'not_alive',
  'draining'
])

/** Whether some peer is only short of room at the moment. */
export function isWorthWaiting({ verdicts, skipped }: Decision, refused: ReadonlyMap<PeerId, RemoteError>): boolean {
  return (
    skipped > 0 ||
    verdicts.some(
      verdict =>
        !verdict.fits && (verdict.reason === 'excluded' ? refused.get(verdict.peer)?.code === 'busy' : !LASTING.has(verdict.reason))
    )
  )
}

/** Refusals that say more than "no room": they are the answer when no other worker is left. */
const TELLING = new Set<string>(['image_not_found', 'image_unsupported', 'runtime_unavailable', 'function_protocol'])

/** What a caller is told whose call no peer could take; `last` is the refusal of the last worker that was tried. */
export function unplaceable(fn: FunctionRecord, decision: Decision, last: RemoteError | undefined): CaresError {
  if (last !== undefined && TELLING.has(last.code)) return fromRemoteError(last)
  const because = last === undefined ? '' : `; the last one tried said: ${last.message}`
  return new CaresError('no_capacity', `${functionKey(fn)} was not placed: ${refusalText(decision)}${because}`, {
    retryable: true,
    hint: `see which peer lacks what: cares quote ${fn.name}`,
    details: { rejected: { ...decision.rejected }, retryAfterMs: 1_000, ...(last === undefined ? {} : { lastCode: last.code }) }
  })
}
