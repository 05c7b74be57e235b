import type { Configuration, ConsensusMessage, Entry, SnapshotMeta } from '../../model/consensus.ts'
import { assertNever, CaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import { type ConfigurationFault, faultOfChange, normalize } from './configuration.ts'
import { appendEntries, beginStep, type Draft, finishStep, send } from './draft.ts'
import type { Step } from './effects.ts'
import { campaign, isIgnored, onVoteRequest, onVoteResponse } from './election.ts'
import { onAppendRequest, onSnapshotRequest } from './follower.ts'
import { EXTENSIONS_MAX, RAFT_LIMITS, RANK_SLOT_MAX } from './limits.ts'
import { compact, createLog, entriesBetween, entryBytes, lastIndex, newestConfiguration } from './log.ts'
import {
  advanceCommit,
  askVoters,
  hurryTransfer,
  onAppendResponse,
  onSnapshotResponse,
  replicate,
  sendHeartbeats,
  sendNews,
  trackMembers
} from './replication.ts'
import { becomeFollower, hastenElection, hearLeader, resetElectionDeadline } from './roles.ts'
import { configurationOf, hasQuorumContact, isActiveLeader, isVoter, type RaftInit, type RaftState } from './state.ts'

/*
 * Raft without I/O (Ongaro and Ousterhout 2014; Ongaro's dissertation 2014 for pre-vote, check-quorum, learners, membership and transfer).
 * Every function takes the state and one input, and returns the next state with what to do (see `Effect`). None of them reads a clock.
 */

/** Why a leader cannot take something now. `warming` and `pending` pass by themselves; the others need another peer or a working network. */
export type Refusal = 'not-leader' | 'warming' | 'transferring' | 'no-quorum'

/** What became of commands: appended from `firstIndex` on in `term` (committed only once applied there in that term), or refused. */
export type Proposal = Step &
  (
    | { readonly outcome: 'appended'; readonly term: Term; readonly firstIndex: number }
    | { readonly outcome: 'refused'; readonly reason: Refusal | 'full' | 'too-large' }
  )

/** What became of a change of members: appended at `index`, and already counting, or refused. */
export type Reconfiguration = Step &
  (
    | { readonly outcome: 'appended'; readonly term: Term; readonly index: number }
    | { readonly outcome: 'refused'; readonly reason: Refusal | 'pending' | ConfigurationFault }
  )

/**
 * A question of how much is agreed: whoever has applied the log up to `index` knows all of it, once `isAnswered` says of `round` that this peer still
 * led in `term` when it was asked. Or a refusal.
 */
export type ReadIndex = Step &
  (
    | { readonly outcome: 'asked'; readonly term: Term; readonly index: number; readonly round: number }
    | { readonly outcome: 'refused'; readonly reason: Refusal }
  )

/** Whether a transfer has begun. It has succeeded when another peer leads; it ends without success after one election timeout. */
export type Transfer = Step &
  ({ readonly outcome: 'started' } | { readonly outcome: 'refused'; readonly reason: 'not-leader' | 'not-a-voter' | 'transferring' })

/** A peer as it starts: it follows, and knows no leader. A lone voter is due at once, since nobody else can lead. */
export function createRaft(init: RaftInit): RaftState {
  const { self, timings, persisted, random, nowMs, rankSlot = 0, preVote = true } = init
  const log = createLog(persisted.snapshot, persisted.entries)
  const state: RaftState = {
    self,
    timings,
    limits: { ...RAFT_LIMITS, ...init.limits },
    rankSlot: Math.min(rankSlot, RANK_SLOT_MAX),
    preVote,
    random,
    term: persisted.hardState.term,
    votedFor: persisted.hardState.votedFor,
    log,
    incoming: persisted.staged ?? null,
    commitIndex: Math.max(persisted.snapshot.index, persisted.appliedIndex ?? 0),
    role: 'follower',
    leader: null,
    heardAtMs: Number.NEGATIVE_INFINITY,
    heardTerm: 0,
    patience: { ms: 0, atMs: nowMs },
    deadlineMs: nowMs,
    graceUntilMs: nowMs,
    extensions: 0,
    votes: new Map(),
    progress: [],
    round: 0,
    termStartIndex: 0,
    transfer: null
  }
  if (state.commitIndex > lastIndex(log)) throw new CaresError('internal', `tables include entry ${state.commitIndex}, the log does not`)
  const draft = beginStep(state, nowMs)
  const { voters } = configurationOf(state)
  if (voters.length !== 1 || voters[0] !== self) resetElectionDeadline(draft)
  return finishStep(draft).state
}

/** Time has passed: campaigns, sends heartbeats or steps down, if `nextDeadlineMs` has come. */
export function tick(state: RaftState, nowMs: number): Step {
  if (nowMs < state.deadlineMs) return { state, effects: [] }
  const draft = beginStep(state, nowMs)
  if (state.role === 'leader') tickLeader(draft)
  else campaign(draft, { transfer: false })
  return finishStep(draft)
}

function tickLeader(draft: Draft): void {
  const { state, nowMs } = draft
  if (state.transfer !== null && nowMs >= state.transfer.untilMs) state.transfer = null
  if (hasQuorumContact(state, nowMs)) state.extensions = 0
  else if (nowMs >= state.graceUntilMs) return becomeFollower(draft, state.term, null)
  sendHeartbeats(draft)
}

/**
 * A message has come from another peer, whose identity the transport vouches for. Throws `protocol` when it contradicts what is agreed or
 * breaks the form; the state that was passed in is then still good: drop the message, and tell someone.
 */
export function receive(state: RaftState, from: PeerId, message: ConsensusMessage, nowMs: number): Step {
  const draft = beginStep(state, nowMs)
  if (message.term < state.term) answerOldTerm(draft, from, message)
  else if (message.type === 'vote-request' && isIgnored(draft, message)) return { state, effects: [] }
  else {
    // A pre-vote speaks of a term that nobody has entered yet.
    const isQuestion = (message.type === 'vote-request' || (message.type === 'vote-response' && message.granted)) && message.pre
    if (message.term > state.term && !isQuestion) becomeFollower(draft, message.term, null)
    dispatch(draft, from, message)
  }
  return finishStep(draft)
}

/**
 * Whoever is behind learns the newer term from the answer, even a leader that a partition has left behind. It answers no round: the asker may lead the newer
 * term by now, and would take the round of its old term for one that it has not asked yet.
 */
function answerOldTerm(draft: Draft, from: PeerId, message: ConsensusMessage): void {
  const { term } = draft.state
  if (message.type === 'vote-request') send(draft, from, { type: 'vote-response', term, pre: message.pre, granted: false })
  if (message.type === 'append-request' || message.type === 'snapshot-request') {
    send(draft, from, { type: 'append-response', term, ok: false, match: 0, round: 0 })
  }
}

function dispatch(draft: Draft, from: PeerId, message: ConsensusMessage): void {
  switch (message.type) {
    case 'vote-request':
      return onVoteRequest(draft, from, message)
    case 'vote-response':
      return onVoteResponse(draft, from, message)
    case 'append-request':
      acceptLeader(draft, from)
      return onAppendRequest(draft, from, message)
    case 'append-response':
      return onAppendResponse(draft, from, message)
    case 'snapshot-request':
      acceptLeader(draft, from)
      return onSnapshotRequest(draft, from, message)
    case 'snapshot-response':
      return onSnapshotResponse(draft, from, message)
    case 'timeout-now':
      if (draft.state.role !== 'leader') campaign(draft, { transfer: true })
      return
    default:
      return assertNever(message)
  }
}

function acceptLeader(draft: Draft, from: PeerId): void {
  const { leader, term } = draft.state
  if (leader !== null && leader !== from) throw new CaresError('protocol', `two leaders in term ${term}: ${leader} and ${from}`)
  hearLeader(draft, from)
}

/**
 * Appends commands, as one batch with one fsync and one message per follower (group commit). Refused when this peer is not an active
 * leader in touch with a majority, when too much waits already (`full`), or when one command is over the limit.
 */
export function propose(state: RaftState, commands: readonly Uint8Array[], nowMs: number): Proposal {
  const reason = refusal(state, nowMs) ?? overflow(state, commands)
  if (reason !== undefined) return { state, effects: [], outcome: 'refused', reason }
  const draft = beginStep(state, nowMs)
  const firstIndex = lastIndex(state.log) + 1
  const entries = commands.map((command, offset): Entry => ({ index: firstIndex + offset, term: state.term, kind: 'command', command }))
  appendAsLeader(draft, entries)
  return { ...finishStep(draft), outcome: 'appended', term: state.term, firstIndex }
}

/**
 * Changes the members: one voter at a time, learners freely. Refused unless an entry of this term is committed and no other change is under
 * way: without that, two leaders can each make a change that the other's majority does not know (Ongaro 2015, raft-dev). `from`: the members that
 * the change was thought out for; when they are others by now, it would undo without a word what was changed meanwhile.
 */
export function reconfigure(state: RaftState, configuration: Configuration, nowMs: number, from = configurationOf(state)): Reconfiguration {
  const next = normalize(configuration)
  const isPending = newestConfiguration(state.log).index > state.commitIndex
  const isOutdated = faultOfChange(normalize(from), configurationOf(state)) !== 'unchanged'
  const fault = isOutdated ? 'outdated' : faultOfChange(configurationOf(state), next)
  const reason = refusal(state, nowMs) ?? (isPending ? 'pending' : fault)
  if (reason !== undefined) return { state, effects: [], outcome: 'refused', reason }
  const draft = beginStep(state, nowMs)
  const index = lastIndex(state.log) + 1
  appendAsLeader(draft, [{ index, term: state.term, kind: 'configuration', configuration: next }])
  return { ...finishStep(draft), outcome: 'appended', term: state.term, index }
}

/**
 * Asks the voters whether this peer still leads, so that its commit index can be read by: no entry and no disk, one message to each of them
 * and back (Ongaro 2014, section 6.4). Its clock is not trusted for that: a lease would be.
 */
export function readIndex(state: RaftState, nowMs: number): ReadIndex {
  const reason = refusal(state, nowMs)
  if (reason !== undefined) return { state, effects: [], outcome: 'refused', reason }
  const draft = beginStep(state, nowMs)
  askVoters(draft)
  const { term, commitIndex: index, round } = draft.state
  return { ...finishStep(draft), outcome: 'asked', term, index, round }
}

/** Hands the lead to another voter, without an election timeout (Ongaro 2014, section 3.10). Proposals are refused meanwhile. */
export function transfer(state: RaftState, to: PeerId, nowMs: number): Transfer {
  const refuse = (reason: 'not-leader' | 'not-a-voter' | 'transferring'): Transfer => ({ state, effects: [], outcome: 'refused', reason })
  if (state.role !== 'leader') return refuse('not-leader')
  if (to === state.self || !isVoter(state, to)) return refuse('not-a-voter')
  if (state.transfer !== null) return refuse('transferring')
  const draft = beginStep(state, nowMs)
  draft.state.transfer = { to, untilMs: nowMs + state.timings.electionMs }
  replicate(draft, to, 'answer')
  hurryTransfer(draft)
  return { ...finishStep(draft), outcome: 'started' }
}

/**
 * The last connection to a peer has closed. If it led, this peer campaigns soon instead of waiting for its silence. Only a hint: if it is
 * wrong, the others still hear the leader and refuse the pre-vote.
 */
export function leaderLost(state: RaftState, peer: PeerId, nowMs: number): Step {
  if (state.role === 'leader' || state.leader !== peer) return { state, effects: [] }
  const draft = beginStep(state, nowMs)
  draft.state.leader = null
  draft.state.heardAtMs = Number.NEGATIVE_INFINITY
  hastenElection(draft, peer)
  return finishStep(draft)
}

/**
 * This peer was itself late (its process starved or slept), so that silence proves nothing yet. A follower puts off its campaign, a leader
 * its check-quorum, by `ms`, at most two election timeouts. After {@link EXTENSIONS_MAX} in a row without hearing anybody it changes nothing.
 */
export function extendDeadline(state: RaftState, nowMs: number, ms: number): Step {
  if (state.extensions >= EXTENSIONS_MAX) return { state, effects: [] }
  const untilMs = nowMs + Math.min(ms, 2 * state.timings.electionMs)
  const extended =
    state.role === 'leader'
      ? { ...state, graceUntilMs: Math.max(state.graceUntilMs, untilMs) }
      : { ...state, deadlineMs: Math.max(state.deadlineMs, untilMs) }
  return { state: { ...extended, extensions: state.extensions + 1 }, effects: [] }
}

/**
 * The store has cut its log: entries up to `snapshot.index` are now only in the tables. `snapshot` comes from `describeSnapshot`. An index
 * that is already compacted changes nothing; one beyond the commit index throws `internal`.
 */
export function compacted(state: RaftState, snapshot: SnapshotMeta): Step {
  if (snapshot.index <= state.log.snapshot.index) return { state, effects: [] }
  if (snapshot.index > state.commitIndex) throw new CaresError('internal', `entry ${snapshot.index} is compacted but not committed`)
  return { state: { ...state, log: compact(state.log, snapshot) }, effects: [] }
}

/** Commits first, where this peer alone is the majority, so that one message carries the entries and their commit. */
function appendAsLeader(draft: Draft, entries: readonly Entry[]): void {
  appendEntries(draft, entries)
  if (entries.some(entry => entry.kind === 'configuration')) trackMembers(draft)
  advanceCommit(draft)
  sendNews(draft)
}

function refusal(state: RaftState, nowMs: number): Refusal | undefined {
  if (state.role !== 'leader') return 'not-leader'
  if (!isActiveLeader(state)) return 'warming'
  if (state.transfer !== null) return 'transferring'
  return hasQuorumContact(state, nowMs) ? undefined : 'no-quorum'
}

function overflow({ log, limits, commitIndex }: RaftState, commands: readonly Uint8Array[]): 'full' | 'too-large' | undefined {
  if (commands.some(command => command.byteLength > limits.commandBytesMax)) return 'too-large'
  const waiting = entriesBetween(log, commitIndex + 1)
  if (waiting.length + commands.length > limits.uncommittedEntriesMax) return 'full'
  const waitingBytes = waiting.reduce((sum, entry) => sum + entryBytes(entry), 0)
  const addedBytes = commands.reduce((sum, command) => sum + command.byteLength, 0)
  return waiting.length > 0 && waitingBytes + addedBytes > limits.uncommittedBytesMax ? 'full' : undefined
}
