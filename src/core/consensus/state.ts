import type { Configuration, ConsensusRole, Entry, HardState, SnapshotMeta, StagedSnapshot } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Timings } from '../../model/presets.ts'
import type { Random } from '../../model/random.ts'
import { PATIENCE_LOSS_RATIO, QUORUM_CONTACT_RATIO, type RaftLimits } from './limits.ts'
import type { SnapshotPosition } from './effects.ts'
import { configurationAt, type Log, membersOf, newestConfiguration, termAt } from './log.ts'
import { majority, reachedByMajority } from './quorum.ts'

/** What a peer starts from. */
export interface RaftInit {
  readonly self: PeerId
  /** `electionMs` must be at least 3 × `heartbeatMs`, else one lost heartbeat is an election. */
  readonly timings: Pick<Timings, 'heartbeatMs' | 'electionMs'>
  /** @default RAFT_LIMITS */
  readonly limits?: Partial<RaftLimits>
  /** 0 to 4: how many turns this peer stands back by when there is a campaign, so that it leads less often. Never a matter of safety. @default 0 */
  readonly rankSlot?: number
  /** Ask before campaigning, so that a peer that cannot win does not raise the term. Off only in tests: safety must not need it. @default true */
  readonly preVote?: boolean
  /** As loaded from disk. */
  readonly persisted: {
    readonly hardState: HardState
    readonly snapshot: SnapshotMeta
    readonly entries: readonly Entry[]
    /** The tables already include the log up to here. @default snapshot.index */
    readonly appliedIndex?: number
    /** Of a snapshot that had not arrived in whole. @default null */
    readonly staged?: StagedSnapshot | null
  }
  /** Draws the timeouts. The caller's: it advances with use, and is the one part of the state that is not a value. */
  readonly random: Random
  readonly nowMs: number
}

/**
 * What a leader knows of one other peer.
 *
 * `probing`: where the logs part is being found; one append at a time. `streaming`: the logs agree at `match`; appends are sent ahead of
 * their acknowledgements. `snapshot`: the peer needs entries that are compacted away; it gets heartbeats until it has the snapshot.
 */
export interface Progress {
  readonly peer: PeerId
  readonly mode: 'probing' | 'streaming' | 'snapshot'
  /** The next entry to send. */
  readonly next: number
  /** The highest entry known to be on the peer's disk. */
  readonly match: number
  /** The highest commit index that was sent. */
  readonly commitSent: number
  /** When anything was last sent to it in this term; -Infinity: nothing was. */
  readonly toldAtMs: number
  /** When the peer last answered in this term; when it became known, at first. */
  readonly ackedAtMs: number
  /** The latest of this leader's rounds that it has answered. */
  readonly ackedRound: number
  /** In mode `snapshot`: when, and in which round, the last chunk was sent, and from where; null for the first of a new snapshot. */
  readonly snapshotSentAtMs: number
  readonly snapshotRound: number
  readonly snapshotAt: SnapshotPosition | null
}

/** One peer's part in Raft. Immutable: every input makes a new one. Read it, but change it only through the functions of `raft.ts`. */
export interface RaftState {
  readonly self: PeerId
  readonly timings: Pick<Timings, 'heartbeatMs' | 'electionMs'>
  readonly limits: RaftLimits
  readonly rankSlot: number
  readonly preVote: boolean
  readonly random: Random

  readonly term: Term
  readonly votedFor: PeerId | null
  readonly log: Log
  /** A snapshot of which some chunks are on disk; null for none, or for one that is of no use any more. */
  readonly incoming: StagedSnapshot | null
  /** Everything up to here is agreed for ever, and has been handed out by `apply` or `restore`. */
  readonly commitIndex: number

  readonly role: ConsensusRole
  readonly leader: PeerId | null
  /** When the leader was last heard; -Infinity: not, or its connection has closed. */
  readonly heardAtMs: number
  /** The term in which it was heard. */
  readonly heardTerm: Term
  /** How much longer than an election timeout the leader may be silent, as of `heardAtMs` or before: see {@link patienceMs}. */
  readonly patience: { readonly ms: number; readonly atMs: number }
  /** When `tick` has something to do. */
  readonly deadlineMs: number
  /** Leader: check-quorum does not judge before this. */
  readonly graceUntilMs: number
  /** `extendDeadline` calls since the leader (or, for a leader, a majority) was heard. */
  readonly extensions: number

  /** (Pre-)candidate: the answers so far. */
  readonly votes: ReadonlyMap<PeerId, boolean>

  /** Leader: every other member. */
  readonly progress: readonly Progress[]
  /** Leader: rises with each heartbeat, and with each question whether it still leads. */
  readonly round: number
  /** Leader: the index of the no-op that began its term. */
  readonly termStartIndex: number
  /** Leader: who is asked to take over, and until when it waits for that. */
  readonly transfer: { readonly to: PeerId; readonly untilMs: number } | null
}

/** Who counts, in this peer's eyes: the newest configuration of its log. */
export function configurationOf(state: RaftState): Configuration {
  return newestConfiguration(state.log).configuration
}

/** Every other peer of the configuration. */
export function otherMembers(state: RaftState): readonly PeerId[] {
  return membersOf(configurationOf(state)).filter(peer => peer !== state.self)
}

/** Whether the newest configuration of this peer's log gives `peer` a vote, be it committed or not. */
export function isVoter(state: RaftState, peer: PeerId = state.self): boolean {
  return configurationOf(state).voters.includes(peer)
}

/** Leader: what it knows of `peer`; undefined for one that is no member, and for itself. */
export function progressOf<Known extends Progress>(state: { readonly progress: readonly Known[] }, peer: PeerId): Known | undefined {
  return state.progress.find(progress => progress.peer === peer)
}

/**
 * Whether this peer may campaign: it is a voter, or it was one until an entry that may not be committed yet. In the latter case it must: it
 * may be the only one whose log is long enough to win, and the entry that takes its vote away can then be committed by nobody else (Ongaro
 * 2014, section 4.2.2). Its own vote does not count then.
 */
export function isElectable({ self, log, commitIndex }: RaftState): boolean {
  for (let at = log.configurations.length - 1; at >= 0; at -= 1) {
    const { index, configuration } = log.configurations[at] ?? log.configurations[0]
    if (configuration.voters.includes(self)) return true
    if (index <= commitIndex) return false
  }
  return false
}

/** Whether this peer leads and has committed an entry of its own term. Only then it knows all that is agreed, and may decide. */
export function isActiveLeader(state: RaftState): boolean {
  return state.role === 'leader' && state.commitIndex >= state.termStartIndex
}

/** Whether a majority of the voters has answered this leader lately (check-quorum). */
export function hasQuorumContact(state: RaftState, nowMs: number): boolean {
  const { voters } = configurationOf(state)
  const sinceMs = nowMs - state.timings.electionMs * QUORUM_CONTACT_RATIO
  const heard = voters.filter(voter => voter === state.self || (progressOf(state, voter)?.ackedAtMs ?? Number.NEGATIVE_INFINITY) > sinceMs)
  return heard.length >= majority(voters.length)
}

/** Whether a majority of the voters has answered a round of this leader: when it asked, none of them followed a later one. */
export function isAnswered(state: RaftState, round: number): boolean {
  const ackedRound = (voter: PeerId): number => (voter === state.self ? state.round : (progressOf(state, voter)?.ackedRound ?? 0))
  return state.role === 'leader' && reachedByMajority(configurationOf(state).voters, ackedRound) >= round
}

/** Leader: the other voter that has most of the log; undefined when there is none, or this peer does not lead. */
export function heirOf(state: RaftState): PeerId | undefined {
  const { voters } = configurationOf(state)
  const [heir] = state.progress.filter(({ peer }) => voters.includes(peer)).sort((a, b) => b.match - a.match)
  return heir?.peer
}

/** What is left of the patience that a follower has learned, at a moment. 0 where a living leader is never silent for long. */
export function patienceMs({ patience: { ms, atMs } }: Pick<RaftState, 'patience'>, nowMs: number): number {
  return Math.max(0, ms - (nowMs - atMs) * PATIENCE_LOSS_RATIO)
}

/** When to call `tick` next, on the clock of the inputs' `nowMs`; always finite. It may move with every input: arm one timer anew. */
export function nextDeadlineMs(state: RaftState): number {
  return state.deadlineMs
}

/**
 * What a snapshot of the tables as of `index` stands for; undefined unless `index` lies between the last compaction and the commit index.
 * Needed to send a snapshot and to compact.
 */
export function describeSnapshot(state: RaftState, index: number): SnapshotMeta | undefined {
  const term = termAt(state.log, index)
  if (term === undefined || index > state.commitIndex) return undefined
  return { index, term, configuration: configurationAt(state.log, index) }
}
