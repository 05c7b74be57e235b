import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import { withoutPeer } from './addresses.ts'

/** A peer id as libp2p has it. Throws `peer_unreachable` for what is none. */
export function parsePeerId(id: PeerId): Libp2pPeerId {
  try {
    return peerIdFromString(id)
  } catch (cause) {
    throw new CaresError('peer_unreachable', `${id} is not a peer id`, { cause })
  }
}

/** An address from another peer; undefined when it cannot be dialled from here. */
export function parseAddress(address: string): Multiaddr | undefined {
  try {
    return multiaddr(withoutPeer(address))
  } catch {
    // A newer peer may announce a kind of address that this one does not know; the others will do.
    return undefined
  }
}

/** Throws `invalid` for what an operator wrote and libp2p cannot read. */
export function checkAddress(address: string): void {
  try {
    multiaddr(address)
  } catch (cause) {
    throw new CaresError('invalid', `not a multiaddr: ${address}`, { hint: 'write an address like /ip4/0.0.0.0/tcp/4001', cause })
  }
}

/** The id of a peer, as the rest of CARES has it. */
export function toPeerId(id: Libp2pPeerId): PeerId {
  return id.toString() as PeerId
}
