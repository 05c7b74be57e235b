import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Agreement } from './agreement.ts'
import type { Consensus } from './consensus.ts'
import { ask } from './control-client.ts'

/** Longest that a read waits to be up to date. Many round trips; and while nobody can confirm it, what is known here is still worth something. */
const CATCH_UP_MS_MAX = 500
/**
 * The same for a peer that has just come back with entries in its log of which it does not know whether they are agreed: its tables may lack what it has
 * acknowledged itself. Two elections of the preset `lan`; without a quorum it is told so before.
 */
const COME_BACK_MS_MAX = 5_000

export interface CatchUpComponents {
  readonly agreement: Pick<Agreement, 'asked' | 'hasFollowed' | 'leaderlessMs'>
  readonly consensus: Pick<Consensus, 'applied' | 'indices' | 'readIndex' | 'role' | 'silentMs'>
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Waits until the tables of this peer hold all that was agreed before this was called, through whichever peer that was: what is read from them then is
 * linearizable, and `staleMs` is 0. Where that cannot be confirmed, for so long no orchestrator was heard, at least 1.
 *
 * Throws the signal's reason only.
 */
export async function catchUp(components: CatchUpComponents, { signal }: { signal: AbortSignal }): Promise<{ readonly staleMs: number }> {
  const { agreement, consensus, transport, clock, log } = components
  const { last, applied } = consensus.indices
  const isBack = !agreement.hasFollowed && last > applied
  const within = AbortSignal.any([signal, clock.timeout(isBack ? COME_BACK_MS_MAX : CATCH_UP_MS_MAX)])
  const readIndex = async (orchestrator: PeerId): Promise<number> => {
    if (orchestrator === transport.self) return consensus.readIndex({ signal: within })
    const answer = await ask(transport, orchestrator, { type: 'read-index' }, { signal: within })
    if (answer.type !== 'read-index') throw new CaresError('protocol', `the orchestrator answered a question with ${answer.type}`)
    return answer.index
  }
  try {
    await consensus.applied(await agreement.asked(readIndex, { signal: within }), { signal: within })
    return { staleMs: 0 }
  } catch (err) {
    if (signal.aborted) throw toCaresError(signal.reason)
    log.debug({ code: toCaresError(err).code }, 'what is agreed is read as it is known here')
    const { leader } = consensus.role
    return { staleMs: Math.max(1, Math.ceil(leader === null ? agreement.leaderlessMs : consensus.silentMs(leader))) }
  }
}
