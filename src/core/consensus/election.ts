import type { ConsensusMessage } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import { appendEntries, type Draft, send } from './draft.ts'
import { isUpToDate, lastIndex, lastTerm } from './log.ts'
import { tally } from './quorum.ts'
import { advanceCommit, sendHeartbeats, trackMembers } from './replication.ts'
import { becomeFollower, hearsLeader, resetElectionDeadline } from './roles.ts'
import { configurationOf, isElectable } from './state.ts'

type VoteRequest = Extract<ConsensusMessage, { type: 'vote-request' }>
type VoteResponse = Extract<ConsensusMessage, { type: 'vote-response' }>

/**
 * Tries to become leader. A learner only forgets the leader it no longer hears.
 *
 * `transfer`: the leader asked for it. Then there is no pre-vote: the others still hear the old leader and would refuse.
 */
export function campaign(draft: Draft, { transfer }: { transfer: boolean }): void {
  const { state } = draft
  if (!isElectable(state)) {
    becomeFollower(draft, state.term, null)
  } else if (state.preVote && !transfer) {
    becomePreCandidate(draft)
  } else {
    becomeCandidate(draft, transfer)
  }
}

function becomePreCandidate(draft: Draft): void {
  const { state } = draft
  state.role = 'pre-candidate'
  state.leader = null
  state.votes = new Map([[state.self, true]])
  resetElectionDeadline(draft)
  if (tally(configurationOf(state).voters, state.votes) === 'won') return becomeCandidate(draft, false)
  requestVotes(draft, { pre: true, transfer: false })
}

function becomeCandidate(draft: Draft, transfer: boolean): void {
  const { state } = draft
  state.role = 'candidate'
  state.leader = null
  state.term += 1
  state.votedFor = state.self
  state.votes = new Map([[state.self, true]])
  resetElectionDeadline(draft)
  if (tally(configurationOf(state).voters, state.votes) === 'won') return becomeLeader(draft)
  requestVotes(draft, { pre: false, transfer })
}

/** The new leader is *warming* until the no-op of its own term is applied: only then it knows what is committed (Raft, section 8). */
function becomeLeader(draft: Draft): void {
  const { state, nowMs } = draft
  state.role = 'leader'
  state.leader = state.self
  state.votes = new Map()
  state.extensions = 0
  state.graceUntilMs = nowMs
  state.round = 0
  state.termStartIndex = lastIndex(state.log) + 1
  trackMembers(draft)
  appendEntries(draft, [{ index: state.termStartIndex, term: state.term, kind: 'noop' }])
  sendHeartbeats(draft)
  advanceCommit(draft)
}

function requestVotes(draft: Draft, { pre, transfer }: { pre: boolean; transfer: boolean }): void {
  const { state } = draft
  for (const voter of configurationOf(state).voters) {
    if (voter === state.self) continue
    send(draft, voter, {
      type: 'vote-request',
      term: pre ? state.term + 1 : state.term,
      pre,
      lastIndex: lastIndex(state.log),
      lastTerm: lastTerm(state.log),
      transfer
    })
  }
}

/** Whether a request is one that this peer must not even see: a candidate knocks while the leader is heard. */
export function isIgnored(draft: Draft, request: VoteRequest): boolean {
  return request.term > draft.state.term && !request.transfer && hearsLeader(draft)
}

/**
 * Votes, at most once per term. `request.term` is this peer's term for a real vote, by now; a pre-vote may ask about a later one and changes
 * nothing. A peer that is no voter answers as well: it may have been made one by an entry that has not reached it yet.
 */
export function onVoteRequest(draft: Draft, from: PeerId, request: VoteRequest): void {
  const { state } = draft
  const isFree = request.pre ? request.term > state.term : state.votedFor === null || state.votedFor === from
  const granted = isFree && isUpToDate(state.log, request.lastIndex, request.lastTerm)
  if (granted && !request.pre) {
    state.votedFor = from
    resetElectionDeadline(draft)
  }
  const term = granted && request.pre ? request.term : state.term
  send(draft, from, { type: 'vote-response', term, pre: request.pre, granted })
}

/** Counts an answer to the round that is on; answers to other rounds mean nothing. */
export function onVoteResponse(draft: Draft, from: PeerId, response: VoteResponse): void {
  const { state } = draft
  if (state.role !== (response.pre ? 'pre-candidate' : 'candidate')) return
  if (response.pre && response.granted && response.term !== state.term + 1) return
  state.votes = new Map(state.votes).set(from, response.granted)
  const result = tally(configurationOf(state).voters, state.votes)
  if (result === 'lost') becomeFollower(draft, state.term, null)
  else if (result === 'won') {
    if (response.pre) becomeCandidate(draft, false)
    else becomeLeader(draft)
  }
}
