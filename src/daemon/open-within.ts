import type { PeerId } from '../model/ids.ts'
import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Channel, ProtocolName, Protocols, Transport } from '../model/ports/transport.ts'
import { AbortLinks } from './abort-links.ts'

/** Opens an exchange. Throws `peer_unreachable` when the peer was not reached within `ms`, or the signal's reason when that comes first. */
export async function openWithin<Name extends ProtocolName>(
  transport: Transport,
  protocol: Name,
  peer: PeerId,
  { ms, clock, signal }: { ms: number; clock: Clock; signal: AbortSignal }
): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>> {
  using links = new AbortLinks()
  const opening = new AbortController()
  links.add(signal, reason => opening.abort(reason))
  links.after(ms, () => opening.abort(new CaresError('peer_unreachable', `no answer from ${peer} in time`, { retryable: true })), { clock })
  return await transport.open(protocol, peer, { signal: opening.signal })
}
