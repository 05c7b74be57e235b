/** Bounds on what one message carries and on what a leader accepts ahead of its followers. */
export interface RaftLimits {
  /** Most entries in one append. Higher: faster catching up; lower: smaller messages on a lossy network. */
  readonly appendEntriesMax: number
  /** Most bytes in one append, as {@link entryBytes} counts them; a single larger entry still travels, alone. */
  readonly appendBytesMax: number
  /** Most entries that may wait for a majority. Over it proposals are refused. */
  readonly uncommittedEntriesMax: number
  /** Most bytes that may wait for a majority. Over it proposals are refused, unless nothing waits. */
  readonly uncommittedBytesMax: number
  /** Largest single command. */
  readonly commandBytesMax: number
}

/**
 * 256 entries of a usual few hundred bytes fill one small message; 512 KiB cross a 100 Mbit/s link in 40 ms, well within a heartbeat
 * interval, so that an append never delays the heartbeat behind it. 4,096 entries are a second of full load; 16 MiB of waiting commands
 * are what a peer with little memory can spare.
 */
export const RAFT_LIMITS: RaftLimits = {
  appendEntriesMax: 256,
  appendBytesMax: 524_288,
  uncommittedEntriesMax: 4_096,
  uncommittedBytesMax: 16_777_216,
  commandBytesMax: 1_048_576
}

/** Pipelined entries sent to one follower and not yet acknowledged: four full appends, enough to fill a link of a few hundred milliseconds. */
export const INFLIGHT_APPENDS_MAX = 4

/** Members of one configuration: as many as a message of a cluster of peers may name. */
export const MEMBERS_MAX = 512

/** How often in a row a peer may excuse its own lateness with `extendDeadline` before silence counts as silence. */
export const EXTENSIONS_MAX = 4

/**
 * A follower that hears its leader again after a silence of more than this many heartbeat intervals becomes that much more patient: on such a machine
 * another silence as long proves nothing. On a quiet machine there are none, and nothing changes.
 */
export const SILENCE_HEARTBEATS = 2
/**
 * A learner that lacks nothing is told only so often that its leader lives: at every fourth heartbeat. It cannot campaign, and in a cluster of fifty its
 * part of the heartbeats would be nine tenths of what consensus costs while nothing happens.
 */
export const LEARNER_HEARTBEATS = 4
/** Most patience, in election timeouts: the silence of a dead leader must end some day. */
export const PATIENCE_RATIO_MAX = 2
/** Patience that is not needed any more goes away: 1 s of it in 30 s. */
export const PATIENCE_LOSS_RATIO = 1 / 30

/** Check-quorum: a leader without a majority's answers for this many election timeouts steps down (Ongaro 2014, section 6.2). */
export const QUORUM_CONTACT_RATIO = 1.5

/**
 * Voters campaign one after the other, each in its turn, in the order of their ids (the idea of Redis Cluster's replica rank): two that campaign at once
 * may split the votes, and then lose a whole election timeout. In election timeouts; a follower that does not hear its leader any more waits
 * SILENCE + turn × SILENCE_TURN + U[0, SILENCE_SPREAD): 1.1 to 1.25 s of 1 s for the first in turn, 250 ms more for the next.
 */
export const SILENCE_RATIO = 1.1
/** See {@link SILENCE_RATIO}: for each voter that comes before. */
export const SILENCE_TURN_RATIO = 0.25
/** See {@link SILENCE_RATIO}: less than a turn, so that the turns do not overlap. */
export const SILENCE_SPREAD_RATIO = 0.15

/** A learner forgets a leader that is silent after so many election timeouts: two of the heartbeats that it is sent may be lost or late. */
export const LEARNER_SILENCE_RATIO = 2.5

/**
 * The same where the connection to the leader has closed: 50 to 100 ms of 1 s for the first in turn, so that the others have noticed, too; 150 ms more for
 * the next, in which a busy machine still wins an election (a pre-vote, a vote, and the disks under it).
 */
export const HINT_RATIO = 0.05
/** See {@link HINT_RATIO}: for each voter that comes before. */
export const HINT_TURN_RATIO = 0.15
/** See {@link HINT_RATIO}: less than a turn, so that the turns do not overlap. */
export const HINT_SPREAD_RATIO = 0.05

/**
 * Where nobody is known to lead: U[1, 2.2) election timeouts. The longest is more than twice the shortest, so that sooner or later one campaigns twice while
 * the others wait, and its term is the highest: without that, two that cannot win may keep a third from ever having its turn.
 */
export const LOT_RATIO_MIN = 1
/** See {@link LOT_RATIO_MIN}. */
export const LOT_RATIO_MAX = 2.2

/** Turns that a peer may be asked to stand back by. More make no sense: the cluster would wait for it if it were the last. */
export const RANK_SLOT_MAX = 4
