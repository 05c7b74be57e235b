import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { RemovedPeer } from '../../model/service.ts'
import type { Members } from '../members/members.ts'
import type { Agreement } from './agreement.ts'
import { ask } from './control-client.ts'
import type { Governor } from './governor.ts'

export interface RemovePeerComponents {
  readonly members: Members
  readonly agreement: Agreement
  readonly governor: Governor
  readonly transport: Transport
}

/** Has the orchestrator remove a peer for good. Throws as `Governor.remove`, `not_found`, and `conflict` for this very peer. */
export async function removePeer(
  { members, agreement, governor, transport }: RemovePeerComponents,
  idOrName: string,
  { force, signal }: { force: boolean; signal: AbortSignal }
): Promise<RemovedPeer> {
  const id = members.resolve(idOrName, { past: true })
  const name = members.nameOf(id)
  if (id === transport.self) {
    throw new CaresError('conflict', `${name} is the peer that is asked: it leaves by itself`, { hint: 'cares leave, or POST /v1/leave' })
  }
  const request = async (orchestrator: PeerId, within: AbortSignal): Promise<boolean> => {
    if (orchestrator === transport.self) return governor.remove(id, { force, signal: within })
    const answer = await ask(transport, orchestrator, { type: 'leave', peer: id, force }, { signal: within })
    return answer.type === 'left' && answer.wasMember !== false
  }
  return { id, name, removed: await agreement.asked(request, { signal }) }
}
