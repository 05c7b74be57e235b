import type { PeerId } from '../../model/ids.ts'
import type { ClusterDigest, Heartbeat, PeerDigest } from '../../model/peer.ts'
import { heartbeatIntervalMs } from './heartbeat-interval.ts'
import { IN_FLIGHT, PEERS_MAX } from './limits.ts'
import { settle } from './settle.ts'
import { compareWords, type KnownPeer, type MembershipEvent, type MembershipState, type MembershipStep, newestWord } from './state.ts'

/** What a heartbeat or a line of a digest adds to what is known of a peer. */
type Word = Pick<KnownPeer, 'profile' | 'stats' | 'heardAtMs' | 'nextWithinMs'> & Partial<Pick<KnownPeer, 'reportedAtMs' | 'left'>>

/**
 * Takes in a peer's own word. `from` is the authenticated sender; a word about somebody else is ignored, as are words that are older than what
 * is known. The caller has checked that it is of this cluster.
 *
 * @param via `report`: straight from the peer, on its consensus stream, so even a repeated word proves that it is there; `gossip`: whoever
 * passed it on, so a repeated word proves nothing
 */
export function heard(state: MembershipState, from: PeerId, heartbeat: Heartbeat, via: 'report' | 'gossip', nowMs: number): MembershipStep {
  const { profile, stats, leaving } = heartbeat
  if (from === state.self || profile.id !== from) return { state, events: [] }
  const known = state.peers.get(from)
  const order = known === undefined ? 1 : compareWords({ session: profile.session, seq: stats.seq }, newestWord(known))
  if (order < 0 || (order === 0 && !leaving && (via === 'gossip' || known?.left === true))) return { state, events: [] }
  if (leaving && (known === undefined || known.liveness === 'gone')) return { state, events: [] }

  // A peer that announces an endless silence could never be found dead: no honest one announces more than this.
  const nextWithinMaxMs = 2 * heartbeatIntervalMs(PEERS_MAX, state.timings.gossipMs)
  const events: MembershipEvent[] = []
  const peers = new Map(state.peers)
  const isKept = takeWord({ ...state, peers }, peers, events, {
    profile,
    stats,
    heardAtMs: nowMs,
    nextWithinMs: Math.min(heartbeat.nextWithinMs, nextWithinMaxMs),
    left: leaving,
    ...(via === 'report' ? { reportedAtMs: nowMs } : {})
  })
  return isKept ? settle({ ...state, peers }, [from], nowMs, events) : { state, events: [] }
}

/**
 * Takes in the orchestrator's summary. Only the newest digest of the newest term counts; what it says of each peer's statistics counts only
 * where it is newer than what is known. Ages are measured back from this peer's own clock.
 */
export function heardDigest(state: MembershipState, from: PeerId, digest: ClusterDigest, nowMs: number): MembershipStep {
  const { orchestrator, term, seq } = digest
  const last = state.digest
  const isOld =
    term < state.term ||
    (last !== null && (term < last.term || (term === last.term && (seq <= last.seq || orchestrator !== last.orchestrator))))
  if (from !== orchestrator || orchestrator === state.self || isOld) return { state, events: [] }

  const events: MembershipEvent[] = []
  const peers = new Map(state.peers)
  const draft = { ...state, peers, digest: { orchestrator, term, seq, heardAtMs: nowMs } }
  const lines = new Map(digest.peers.map(line => [line.profile.id, line]))
  for (const [id, peer] of state.peers) if (peer.line !== null && !lines.has(id)) peers.set(id, { ...peer, line: null })
  for (const [id, line] of lines) if (id !== state.self) takeLine(draft, peers, events, line, nowMs)
  return settle(draft, peers.keys(), nowMs, events)
}

function takeLine(
  state: MembershipState,
  peers: Map<PeerId, KnownPeer>,
  events: MembershipEvent[],
  { profile, stats, ageMs, state: peerState }: PeerDigest,
  nowMs: number
): void {
  const word = { session: profile.session, seq: stats.seq }
  const known = peers.get(profile.id)
  // A peer that was never known here and is gone already is not worth an entry.
  if (known === undefined && peerState === 'gone') return
  if (known === undefined || compareWords(word, newestWord(known)) > 0) {
    const nextWithinMs = known?.nextWithinMs ?? heartbeatIntervalMs(state.peers.size, state.timings.gossipMs)
    if (!takeWord(state, peers, events, { profile, stats, heardAtMs: nowMs - Math.max(0, ageMs), nextWithinMs })) return
  }
  const peer = peers.get(profile.id)
  if (peer !== undefined) peers.set(profile.id, { ...peer, line: { ...word, liveness: peerState === 'draining' ? 'alive' : peerState } })
}

/** Puts a newer word into `peers`, and what it changes into `events`. Returns whether there was room for it. */
function takeWord(state: MembershipState, peers: Map<PeerId, KnownPeer>, events: MembershipEvent[], word: Word): boolean {
  const { id, name, session } = word.profile
  const known = peers.get(id)
  if (known === undefined) {
    if (!makeRoom(state, peers, id)) return false
    events.push({ type: 'joined', peer: id, name })
    peers.set(id, {
      liveness: 'alive',
      worseSinceMs: word.heardAtMs,
      hereSinceMs: word.heardAtMs,
      reportedAtMs: null,
      closedAtMs: null,
      left: false,
      line: null,
      isDraining: false,
      ...word
    })
  } else if (session > known.profile.session) {
    events.push({ type: 'returned', peer: id, name, restarted: true })
    const anew = { liveness: 'alive', hereSinceMs: word.heardAtMs, reportedAtMs: null, closedAtMs: null, left: false, line: null } as const
    peers.set(id, { ...known, ...anew, ...word })
  } else {
    const isAfterClosing = known.closedAtMs !== null && word.heardAtMs > known.closedAtMs + inFlightMs(state)
    const heardAtMs = Math.max(known.heardAtMs, word.heardAtMs)
    peers.set(id, { ...known, left: false, ...word, heardAtMs, closedAtMs: isAfterClosing ? null : known.closedAtMs })
  }
  return true
}

function inFlightMs({ timings }: MembershipState): number {
  return Math.max(IN_FLIGHT.msMin, IN_FLIGHT.reportRatio * timings.reportMs)
}

/**
 * Makes room for `newcomer` in a full view: drops the non-member that has been gone for longest, or, for a member, been silent for longest. False when
 * there is none to drop.
 */
function makeRoom(state: MembershipState, peers: Map<PeerId, KnownPeer>, newcomer: PeerId): boolean {
  if (peers.size < PEERS_MAX) return true
  let victim: KnownPeer | undefined
  for (const peer of peers.values()) {
    const { id } = peer.profile
    if (id === state.self || state.members.has(id)) continue
    if (peer.liveness !== 'gone' && !state.members.has(newcomer)) continue
    if (victim === undefined || isLessMissed(peer, victim)) victim = peer
  }
  return victim !== undefined && peers.delete(victim.profile.id)
}

function isLessMissed(a: KnownPeer, b: KnownPeer): boolean {
  if ((a.liveness === 'gone') !== (b.liveness === 'gone')) return a.liveness === 'gone'
  return a.heardAtMs < b.heardAtMs || (a.heardAtMs === b.heardAtMs && a.profile.id < b.profile.id)
}
