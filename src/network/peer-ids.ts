import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '../model/ids.ts'

/** Ids that are remembered: as many as a view has peers. Over it, all are forgotten. */
const IDS_MAX = 512

/** Makes the function that reads ids for libp2p. It remembers them: reading one decodes a key, and some are asked for many times a second. */
export function peerIdReader(): (peer: PeerId) => Libp2pPeerId {
  const known = new Map<PeerId, Libp2pPeerId>()
  return peer => {
    const id = known.get(peer) ?? peerIdFromString(peer)
    if (known.size >= IDS_MAX) known.clear()
    known.set(peer, id)
    return id
  }
}
