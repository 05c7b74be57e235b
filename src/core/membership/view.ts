import type { PeerId } from '../../model/ids.ts'
import type { PeerState, PeerView } from '../../model/peer.ts'
import type { KnownPeer, MembershipState } from './state.ts'

/** Everyone that is known, this peer included, sorted by id. */
export function view(state: MembershipState, nowMs: number): PeerView[] {
  return [...state.peers.values()].map(peer => viewOfKnown(state, peer, nowMs)).sort((a, b) => (a.profile.id < b.profile.id ? -1 : 1))
}

/** One peer; undefined when it is not known. */
export function viewOf(state: MembershipState, peer: PeerId, nowMs: number): PeerView | undefined {
  const known = state.peers.get(peer)
  return known === undefined ? undefined : viewOfKnown(state, known, nowMs)
}

function viewOfKnown(state: MembershipState, peer: KnownPeer, nowMs: number): PeerView {
  const ageMs = peer.profile.id === state.self ? 0 : Math.max(0, nowMs - peer.heardAtMs)
  return { profile: peer.profile, stats: peer.stats, state: stateOf(peer), ageMs }
}

function stateOf({ liveness, isDraining }: KnownPeer): PeerState {
  return liveness === 'alive' && isDraining ? 'draining' : liveness
}
