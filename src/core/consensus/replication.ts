import type { ConsensusMessage, Entry, EntryId } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { type Draft, type OwnProgress, send } from './draft.ts'
import type { SnapshotPosition } from './effects.ts'
import { INFLIGHT_APPENDS_MAX, LEARNER_HEARTBEATS } from './limits.ts'
import { entriesBetween, entryBytes, lastIndex, newestConfiguration, termAt } from './log.ts'
import { reachedByMajority } from './quorum.ts'
import { becomeFollower } from './roles.ts'
import { configurationOf, isVoter, otherMembers, type Progress, progressOf } from './state.ts'

type AppendResponse = Extract<ConsensusMessage, { type: 'append-response' }>
type SnapshotResponse = Extract<ConsensusMessage, { type: 'snapshot-response' }>

/**
 * Why the leader speaks to a peer. `beat`: its time has come, whether there is news or not. `news`: entries or a commit index to tell.
 * `answer`: the peer has just spoken, so it is alive.
 */
type Occasion = 'beat' | 'news' | 'answer'

/**
 * Makes the leader's list of peers that of the newest configuration. A new one is taken to be up to date: if it is not, its first answer
 * says so. It counts as heard now, so that check-quorum gives it time.
 */
export function trackMembers({ state, nowMs }: Draft): void {
  const fresh = (peer: PeerId): OwnProgress => ({
    peer,
    mode: 'streaming',
    next: lastIndex(state.log) + 1,
    match: 0,
    commitSent: 0,
    toldAtMs: Number.NEGATIVE_INFINITY,
    ackedAtMs: nowMs,
    ackedRound: 0,
    snapshotSentAtMs: 0,
    snapshotRound: 0,
    snapshotAt: null
  })
  state.progress = otherMembers(state).map(peer => progressOf(state, peer) ?? fresh(peer))
}

/** One round of heartbeats: tells all that the leader lives, with whatever entries they lack. Learners that lack none hear of it less often. */
export function sendHeartbeats(draft: Draft): void {
  const { state, nowMs } = draft
  state.round += 1
  state.deadlineMs = nowMs + state.timings.heartbeatMs
  for (const progress of state.progress) if (isVoter(state, progress.peer) || !isToldEnough(draft, progress)) speak(draft, progress, 'beat')
}

/** Half a heartbeat early is better than half of one late: the timer that drives them drifts. */
function isToldEnough({ state, nowMs }: Draft, { mode, match, toldAtMs }: Progress): boolean {
  const isUpToDate = mode === 'streaming' && match === lastIndex(state.log)
  return isUpToDate && nowMs - toldAtMs < (LEARNER_HEARTBEATS - 0.5) * state.timings.heartbeatMs
}

/** A round for the voters only: their answers tell whether this peer still leads. The heartbeats keep their time. */
export function askVoters(draft: Draft): void {
  const { state } = draft
  state.round += 1
  for (const progress of state.progress) if (isVoter(state, progress.peer)) speak(draft, progress, 'beat')
}

/** Tells each peer what is new to it, if it can take more now. */
export function sendNews(draft: Draft): void {
  for (const progress of draft.state.progress) speak(draft, progress, 'news')
}

/** Sends one message to one peer, or none when there is nothing to say or its acknowledgements must come first. */
export function replicate(draft: Draft, to: PeerId, occasion: Occasion): void {
  const progress = progressOf(draft.state, to)
  if (progress !== undefined) speak(draft, progress, occasion)
}

function speak(draft: Draft, progress: OwnProgress, occasion: Occasion): void {
  const { state } = draft
  if (progress.mode === 'snapshot') {
    // Index 0 is in every log: a heartbeat that asks nothing of a peer whose log is not known to match anywhere.
    if (occasion === 'beat') sendAppend(draft, progress, 0, [])
    return
  }
  if (progress.next <= state.log.snapshot.index) return sendSnapshot(draft, progress, null)
  if (progress.mode === 'probing') {
    // A heartbeat to a probing peer is empty: it may be dead, and the entries would be sent again and again.
    if (occasion === 'beat') sendAppend(draft, progress, progress.next - 1, [])
    if (occasion === 'answer') sendAppend(draft, progress, progress.next - 1, nextBatch(draft, progress.next))
    return
  }
  const inflight = progress.next - progress.match - 1
  const batch = inflight > INFLIGHT_APPENDS_MAX * state.limits.appendEntriesMax ? [] : nextBatch(draft, progress.next)
  const isCommitNews = progress.commitSent < Math.min(state.commitIndex, progress.next - 1)
  if (batch.length === 0 && !isCommitNews && occasion !== 'beat') return
  sendAppend(draft, progress, progress.next - 1, batch)
  progress.next += batch.length
}

/** What the leader learns from a peer's answer, and what it sends in turn. */
export function onAppendResponse(draft: Draft, from: PeerId, response: AppendResponse): void {
  const progress = progressOf(draft.state, from)
  if (draft.state.role !== 'leader' || progress === undefined) return
  if (response.contradicted !== undefined) throw judgeContradiction(draft, from, response.contradicted)
  noteAnswer(draft, progress, response.round)
  if (response.ok) onMatch(draft, progress, response)
  else onMismatch(draft, progress, response)
}

function noteAnswer({ nowMs }: Draft, progress: OwnProgress, round: number): void {
  progress.ackedAtMs = nowMs
  progress.ackedRound = Math.max(progress.ackedRound, round)
}

function onMatch(draft: Draft, progress: OwnProgress, response: AppendResponse): void {
  const { state } = draft
  const { peer, mode, match: known } = progress
  // Nothing but what is committed there can lie behind the log of the leader whose messages it answers.
  if (response.match > lastIndex(state.log)) throw lostEntries(peer, response.match)
  progress.match = Math.max(known, response.match)
  if (mode !== 'snapshot' || progress.match >= state.log.snapshot.index) {
    progress.mode = 'streaming'
    progress.next = mode === 'streaming' ? Math.max(progress.next, progress.match + 1) : progress.match + 1
  } else if (progress.match > known) {
    // It has a snapshot, but the log behind that is compacted away by now.
    sendSnapshot(draft, progress, null)
  } else if (isSnapshotLost(draft, progress, response)) {
    sendSnapshot(draft, progress, progress.snapshotAt)
  }
  if (progress.match > known) advanceCommit(draft)
  // By its name: with that commit this peer may have ceased to lead.
  replicate(draft, peer, 'answer')
  if (state.transfer?.to === peer) hurryTransfer(draft)
}

/**
 * Whose disk it is that has lost something. What is committed in one term is in the logs of the leaders of all later ones: so where this log has
 * an entry of a later term in that place, or none that is committed, this peer was elected without it. Where both are committed, and the entry
 * here is the earlier one, the other peer has followed a leader that had lost it.
 */
function judgeContradiction({ state }: Draft, peer: PeerId, { index, term }: EntryId): CaresError {
  const own = termAt(state.log, index)
  const isOwnLoss = index > state.commitIndex || (own !== undefined && own > term)
  if (isOwnLoss && own !== term) return lostEntries(peer, index)
  return new CaresError('protocol', `peer ${peer} contradicts committed entry ${index}`, {
    hint: 'its disk is not what it was: move its whole data directory away and start it again: it joins as a new peer'
  })
}

function lostEntries(peer: PeerId, index: number): CaresError {
  return new CaresError(
    'conflict',
    `the data directory is an old or a copied one: this peer leads without entry ${index}, which peer ${peer} knows to be agreed`,
    {
      hint: 'move its whole data directory away and start it again: it joins as a new peer; where no other voter is left: cares recover, on the peer with the newest data',
      details: { outdated: true }
    }
  )
}

function onMismatch(draft: Draft, progress: OwnProgress, response: AppendResponse): void {
  const { state } = draft
  if (progress.mode === 'snapshot') return
  // Below `match` there is nothing to find, whatever the peer suggests; it does not know what this leader knows.
  const next = Math.max(response.match, progress.match) + 1
  // The same answer again, to the appends that were on their way behind the first one that did not fit.
  if (next >= progress.next) return
  progress.mode = 'probing'
  progress.next = next
  speak(draft, progress, 'answer')
  if (state.transfer?.to === progress.peer) hurryTransfer(draft)
}

/**
 * Goes on with a snapshot where the peer says. One chunk is on its way to each peer at any time: an answer that asks for that very one says
 * nothing new, and answering it would double every message from then on.
 */
export function onSnapshotResponse(draft: Draft, from: PeerId, { index, received, round }: SnapshotResponse): void {
  const progress = progressOf(draft.state, from)
  if (draft.state.role !== 'leader' || progress === undefined) return
  noteAnswer(draft, progress, round)
  const { mode, snapshotAt } = progress
  if (mode !== 'snapshot' || (snapshotAt?.index === index && snapshotAt.offset === received)) return
  sendSnapshot(draft, progress, { index, offset: received })
}

/** An answer to a later heartbeat, without the chunk that was sent, after it had time to arrive: send it again. */
function isSnapshotLost({ state, nowMs }: Draft, progress: Progress, response: AppendResponse): boolean {
  return response.round > progress.snapshotRound && nowMs - progress.snapshotSentAtMs >= state.timings.electionMs
}

/**
 * Commits what a majority has on disk. Only an entry of the own term is counted; those before it are committed with it (Raft, section 5.4.2
 * and figure 8). A leader that has removed itself hands over its last commit index, and goes.
 */
export function advanceCommit(draft: Draft): void {
  const { state } = draft
  const reached = reachedByMajority(configurationOf(state).voters, voter =>
    voter === state.self ? lastIndex(state.log) : (progressOf(state, voter)?.match ?? 0)
  )
  if (reached <= state.commitIndex || termAt(state.log, reached) !== state.term) return
  state.commitIndex = reached
  sendNews(draft)
  if (!isVoter(state) && newestConfiguration(state.log).index <= state.commitIndex) becomeFollower(draft, state.term, null)
}

/** Asks the transferee to campaign as soon as it has the whole log. Asked again with each of its answers: the message may be lost. */
export function hurryTransfer(draft: Draft): void {
  const { state } = draft
  if (state.transfer === null) return
  const { to } = state.transfer
  if (progressOf(state, to)?.match === lastIndex(state.log)) send(draft, to, { type: 'timeout-now', term: state.term })
}

function sendAppend(draft: Draft, progress: OwnProgress, prevIndex: number, entries: readonly Entry[]): void {
  const { state, nowMs } = draft
  const prevTerm = prevIndex === 0 ? 0 : termAt(state.log, prevIndex)
  if (prevTerm === undefined) throw new Error(`broken invariant: append after ${prevIndex}, which the log does not know`)
  const commit = Math.min(state.commitIndex, prevIndex + entries.length)
  send(draft, progress.peer, { type: 'append-request', term: state.term, prevIndex, prevTerm, entries, commit, round: state.round })
  progress.commitSent = Math.max(commit, progress.commitSent)
  progress.toldAtMs = nowMs
}

function sendSnapshot(draft: Draft, progress: OwnProgress, at: SnapshotPosition | null): void {
  const { state, nowMs } = draft
  draft.sends.push({ type: 'send-snapshot', to: progress.peer, term: state.term, round: state.round, at })
  progress.mode = 'snapshot'
  progress.snapshotSentAtMs = nowMs
  progress.snapshotRound = state.round
  progress.snapshotAt = at
}

/** Entries from `next` on, as many as one message may carry; at least one if there is any. */
function nextBatch({ state }: Draft, next: number): readonly Entry[] {
  const { appendEntriesMax, appendBytesMax } = state.limits
  const batch = entriesBetween(state.log, next, next + appendEntriesMax)
  let bytes = 0
  const cut = batch.findIndex(entry => {
    bytes += entryBytes(entry)
    return bytes > appendBytesMax
  })
  return cut === -1 ? batch : batch.slice(0, Math.max(1, cut))
}
