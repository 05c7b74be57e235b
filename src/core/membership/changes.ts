import type { PeerId, Term } from '../../model/ids.ts'
import type { PeerProfile, PeerStats } from '../../model/peer.ts'
import { DOUBT_DECAY, DOUBT_MAX, FORGET_AFTER_MS } from './limits.ts'
import { settle } from './settle.ts'
import type { MembershipState, MembershipStep } from './state.ts'

/** This peer's own newest statistics, and its profile, whose addresses may have changed. */
export function setSelf(state: MembershipState, profile: PeerProfile, stats: PeerStats, nowMs: number): MembershipStep {
  const known = state.peers.get(state.self)
  if (known === undefined || profile.id !== state.self) return { state, events: [] }
  const peers = new Map(state.peers).set(state.self, { ...known, profile, stats, heardAtMs: nowMs })
  return settle({ ...state, peers }, [state.self], nowMs)
}

/** The last connection to a peer has closed, or there is one again. Either is a hint only: what counts is whether it is heard. */
export function connectionChanged(state: MembershipState, peer: PeerId, connected: boolean, nowMs: number): MembershipStep {
  const known = state.peers.get(peer)
  if (known === undefined || known.liveness === 'gone' || peer === state.self || (known.closedAtMs === null) === connected) {
    return { state, events: [] }
  }
  const peers = new Map(state.peers).set(peer, { ...known, closedAtMs: connected ? null : nowMs })
  return settle({ ...state, peers }, [peer], nowMs)
}

/** What the log says: who is a member of the cluster, and who is to drain. */
export function setMembers(
  state: MembershipState,
  members: Iterable<PeerId>,
  draining: ReadonlySet<string>,
  nowMs: number
): MembershipStep {
  return settle({ ...state, members: new Set(members), draining }, state.peers.keys(), nowMs)
}

/** Who is orchestrator, in which term; null: nobody is known. Reports are expected from everyone once it is this peer. */
export function setOrchestrator(state: MembershipState, orchestrator: PeerId | null, term: Term, nowMs: number): MembershipStep {
  if (orchestrator === state.orchestrator && term === state.term) return { state, events: [] }
  const orchestratorSinceMs = orchestrator === state.orchestrator ? state.orchestratorSinceMs : nowMs
  return settle({ ...state, orchestrator, term, orchestratorSinceMs }, state.peers.keys(), nowMs)
}

/**
 * Time has passed: finds who has been silent for too long, and forgets who has been gone for long. Call it at least every `reportMs`. A much later
 * call means that this peer itself stood still (suspended, or without processor time): nobody is suspected before there was time to hear them, and for
 * a while others are given more time.
 */
export function tick(state: MembershipState, nowMs: number): MembershipStep {
  const isLate = nowMs - state.tickedAtMs > state.timings.suspectAfterMs / 2
  const doubt = isLate ? Math.min(DOUBT_MAX, state.doubt + 1) : Math.max(0, state.doubt - DOUBT_DECAY)
  const ticked = { ...state, tickedAtMs: nowMs, awakeSinceMs: isLate ? nowMs : state.awakeSinceMs, doubt }
  const { state: settled, events } = settle(ticked, state.peers.keys(), nowMs)
  const forgotten = [...settled.peers.values()].filter(
    ({ profile, liveness, worseSinceMs }) =>
      liveness === 'gone' && !settled.members.has(profile.id) && nowMs - worseSinceMs >= FORGET_AFTER_MS
  )
  if (forgotten.length === 0) return { state: settled, events }
  const peers = new Map(settled.peers)
  for (const { profile } of forgotten) peers.delete(profile.id)
  return { state: { ...settled, peers }, events }
}
