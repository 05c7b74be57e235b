import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Transport } from '../../model/ports/transport.ts'
import { ask } from '../agreement/control-client.ts'
import { AbortLinks } from '../abort-links.ts'

/** How long a peer that is asked whether it reaches another one waits for that one: many round trips. The asker waits a little longer. */
export const REACH_MS = 400

/** Failures that show that a peer could not be reached. Any other failure, even that it does not know the question, is an answer of that peer. */
const UNANSWERED = new Set<string>(['peer_lost', 'peer_unreachable', 'stopping'])

/** What it takes to ask a peer for a sign of life. */
export interface ReachComponents {
  readonly transport: Transport
  readonly clock: Clock
}

/** Whether a peer answers at all within `ms`. Never throws. */
export async function reaches(peer: PeerId, ms: number, { transport, clock }: ReachComponents): Promise<boolean> {
  const giveUp = new AbortController()
  // Asked several times a second: a time-out of its own would outlive each answer by seconds.
  using links = new AbortLinks()
  links.after(ms, () => giveUp.abort(new CaresError('peer_unreachable', `no answer from ${peer} in time`)), { clock })
  try {
    await ask(transport, peer, { type: 'reach' }, giveUp)
    return true
  } catch (err) {
    return !UNANSWERED.has(toCaresError(err).code)
  }
}

/** Whether `other` reaches `peer`; undefined where that one does not answer, or not in time. Never throws. */
export async function reachedFrom(
  other: PeerId,
  peer: PeerId,
  ms: number,
  { transport, clock }: ReachComponents
): Promise<boolean | undefined> {
  try {
    const answer = await ask(transport, other, { type: 'reach', peer }, { signal: clock.timeout(ms) })
    return answer.type === 'reached' ? answer.reached : undefined
  } catch {
    // Its silence is no word about the other one; an older version does not know the question.
    return undefined
  }
}
