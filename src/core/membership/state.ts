import type { PeerId, Session, Term } from '../../model/ids.ts'
import type { PeerProfile, PeerStats } from '../../model/peer.ts'
import type { Timings } from '../../model/presets.ts'

/** The timings that membership depends on. */
export type MembershipTimings = Pick<Timings, 'reportMs' | 'gossipMs' | 'suspectAfterMs' | 'goneAfterMs'>

/** Whether a peer is there; draining is another matter. */
export type Liveness = 'alive' | 'suspect' | 'gone'

/** Which of a peer's words is meant. */
export interface WordNumber {
  readonly session: Session
  readonly seq: number
}

/** What is known of one peer. Times are of this peer's own clock. */
export interface KnownPeer {
  readonly profile: PeerProfile
  readonly stats: PeerStats
  readonly liveness: Liveness
  /** When `liveness` last got worse; only a word since then makes it better. */
  readonly worseSinceMs: number
  /** When the peer joined or restarted. */
  readonly hereSinceMs: number
  /** When its newest word was spoken, whoever carried it. */
  readonly heardAtMs: number
  /** When it last reported to this peer; null: never in this session. */
  readonly reportedAtMs: number | null
  /** Longest silence that it has announced, or what its cluster's size makes of it. */
  readonly nextWithinMs: number
  /** When the connection to it closed; null: it has not, or there was a word since. */
  readonly closedAtMs: number | null
  /** It has said good-bye. */
  readonly left: boolean
  /** What the newest digest says of it, and on the strength of which word; null: nothing. */
  readonly line: (WordNumber & { readonly liveness: Liveness }) | null
  readonly isDraining: boolean
}

/** The view of one peer: who is there, and how they are. Immutable. */
export interface MembershipState {
  readonly self: PeerId
  readonly timings: MembershipTimings
  readonly peers: ReadonlyMap<PeerId, KnownPeer>
  /** Voters and learners of the log's configuration. */
  readonly members: ReadonlySet<PeerId>
  /** Peers that the cluster has agreed to drain. */
  readonly draining: ReadonlySet<string>
  readonly orchestrator: PeerId | null
  readonly term: Term
  /** Since when it is this orchestrator. */
  readonly orchestratorSinceMs: number
  /** The newest digest. */
  readonly digest: { readonly orchestrator: PeerId; readonly term: Term; readonly seq: number; readonly heardAtMs: number } | null
  readonly tickedAtMs: number
  /** Silence before this time is not held against anybody: this peer itself was not listening. */
  readonly awakeSinceMs: number
  /** How much this peer doubts its own ears: it allows others 1 + `doubt` times the silence. */
  readonly doubt: number
}

/** What changed in the view. Names are for people. */
export type MembershipEvent =
  | { readonly type: 'joined'; readonly peer: PeerId; readonly name: string }
  /** Alive after having been suspect or gone, or, with `restarted`, in a newer session. */
  | { readonly type: 'returned'; readonly peer: PeerId; readonly name: string; readonly restarted: boolean }
  | { readonly type: 'suspected'; readonly peer: PeerId; readonly name: string; readonly silentMs: number }
  | { readonly type: 'gone'; readonly peer: PeerId; readonly name: string; readonly reason: 'left' | 'silent' }
  | { readonly type: 'drain-changed'; readonly peer: PeerId; readonly name: string; readonly draining: boolean }

/** The view after one input, and what changed in it: by peer, and for each peer in the order in which it happened. */
export interface MembershipStep {
  readonly state: MembershipState
  readonly events: readonly MembershipEvent[]
}

/** Starts a view that knows nobody but this peer. `stats` may be the zeros of a peer that has not been sampled yet. */
export function createView({
  self,
  stats,
  timings,
  nowMs
}: {
  self: PeerProfile
  stats: PeerStats
  timings: MembershipTimings
  nowMs: number
}): MembershipState {
  const known: KnownPeer = {
    profile: self,
    stats,
    liveness: 'alive',
    worseSinceMs: nowMs,
    hereSinceMs: nowMs,
    heardAtMs: nowMs,
    reportedAtMs: null,
    nextWithinMs: timings.gossipMs,
    closedAtMs: null,
    left: false,
    line: null,
    isDraining: stats.draining
  }
  return {
    self: self.id,
    timings,
    peers: new Map([[self.id, known]]),
    members: new Set(),
    draining: new Set(),
    orchestrator: null,
    term: 0,
    orchestratorSinceMs: nowMs,
    digest: null,
    tickedAtMs: nowMs,
    awakeSinceMs: nowMs,
    doubt: 0
  }
}

/** Negative when `a` was spoken before `b`, 0 when they are the same word. Never compares clocks. */
export function compareWords(a: WordNumber, b: WordNumber): number {
  return a.session - b.session || a.seq - b.seq
}

/** The number of the newest word that is known of a peer. */
export function newestWord({ profile, stats }: Pick<KnownPeer, 'profile' | 'stats'>): WordNumber {
  return { session: profile.session, seq: stats.seq }
}
