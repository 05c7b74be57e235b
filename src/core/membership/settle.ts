import type { PeerId } from '../../model/ids.ts'
import { judge } from './judge.ts'
import type { KnownPeer, Liveness, MembershipEvent, MembershipState, MembershipStep } from './state.ts'

const RANK: Readonly<Record<Liveness, number>> = { alive: 0, suspect: 1, gone: 2 }

/**
 * Judges these peers anew and tells what changed. Getting worse needs no more than the evidence; getting better needs a word that is not older
 * than the change to the worse, or every change of the rule that applies (an orchestrator elected, a digest missed) would raise the dead.
 */
export function settle(
  state: MembershipState,
  peers: Iterable<PeerId>,
  nowMs: number,
  earlier: readonly MembershipEvent[] = []
): MembershipStep {
  const events = [...earlier]
  let settled: Map<PeerId, KnownPeer> | undefined
  for (const id of peers) {
    const peer = state.peers.get(id)
    if (peer === undefined) continue
    const next = settleOne(state, peer, nowMs, events)
    if (next === peer) continue
    settled ??= new Map(state.peers)
    settled.set(id, next)
  }
  // By peer, so that the order in which peers became known does not show; the events of one peer stay in their order.
  if (events.length > 1) events.sort((a, b) => (a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0))
  return { state: settled === undefined ? state : { ...state, peers: settled }, events }
}

function settleOne(state: MembershipState, peer: KnownPeer, nowMs: number, events: MembershipEvent[]): KnownPeer {
  const { id, name } = peer.profile
  let next = peer
  const liveness = judge(state, peer, nowMs)
  const change = RANK[liveness] - RANK[peer.liveness]
  if (change > 0) {
    next = { ...next, liveness, worseSinceMs: nowMs }
    if (liveness === 'gone') events.push({ type: 'gone', peer: id, name, reason: peer.left ? 'left' : 'silent' })
    else events.push({ type: 'suspected', peer: id, name, silentMs: silentMs(state, peer, nowMs) })
  } else if (change < 0 && peer.heardAtMs >= peer.worseSinceMs) {
    next = { ...next, liveness }
    events.push({ type: 'returned', peer: id, name, restarted: false })
    if (liveness === 'suspect') events.push({ type: 'suspected', peer: id, name, silentMs: silentMs(state, peer, nowMs) })
  }
  const isDraining = state.draining.has(id) || peer.stats.draining
  if (isDraining !== peer.isDraining) {
    next = { ...next, isDraining }
    events.push({ type: 'drain-changed', peer: id, name, draining: isDraining })
  }
  return next
}

/** The silence that matters here: an orchestrator that gets no reports from a peer may well have its gossip. */
function silentMs({ orchestrator, self }: MembershipState, { heardAtMs, reportedAtMs }: KnownPeer, nowMs: number): number {
  return nowMs - (orchestrator === self ? (reportedAtMs ?? heardAtMs) : heardAtMs)
}
