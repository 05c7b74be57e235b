import type { PeerId, Term } from '../../model/ids.ts'
import type { Draft } from './draft.ts'
import { PATIENCE_RATIO_MAX, RANK_SLOT_RATIO, SILENCE_HEARTBEATS } from './limits.ts'
import { patienceMs } from './state.ts'

/**
 * Follows in `term`, which is this peer's or a later one. `leader` is null when who leads is not known. In a later term this peer has not
 * voted yet. A learner follows like a follower; `finishStep` names it.
 */
export function becomeFollower(draft: Draft, term: Term, leader: PeerId | null): void {
  const { state } = draft
  if (term > state.term) {
    state.term = term
    state.votedFor = null
  }
  state.role = 'follower'
  state.leader = leader
  state.votes = new Map()
  state.progress = []
  state.transfer = null
  resetElectionDeadline(draft)
}

/** The leader has spoken: its silence starts anew. */
export function hearLeader(draft: Draft, leader: PeerId): void {
  const { state } = draft
  learnPatience(draft)
  if (state.role !== 'follower' || state.leader !== leader) becomeFollower(draft, state.term, leader)
  state.heardAtMs = draft.nowMs
  state.heardTerm = state.term
  state.extensions = 0
  resetElectionDeadline(draft)
  state.deadlineMs += patienceMs(state, draft.nowMs)
}

/**
 * The leader of this term was silent, and is alive: its machine, or this one, is so busy that silence means less (the idea of local health in Lifeguard,
 * arXiv 1707.00788). Whose fault it was need not be known. A silence that a closed connection has explained does not count.
 */
function learnPatience({ state, nowMs }: Draft): void {
  const { heartbeatMs, electionMs } = state.timings
  if (state.heardTerm !== state.term || !Number.isFinite(state.heardAtMs)) return
  const excessMs = nowMs - state.heardAtMs - SILENCE_HEARTBEATS * heartbeatMs
  const ms = Math.min(excessMs, PATIENCE_RATIO_MAX * electionMs)
  if (ms > patienceMs(state, nowMs)) state.patience = { ms, atMs: nowMs }
}

/**
 * Whether this peer believes in a living leader. Then it neither votes nor adopts a candidate's term: a peer that returns from a partition
 * cannot depose a leader whom the others hear (Ongaro 2014, section 4.2.3).
 */
export function hearsLeader({ state, nowMs }: Draft): boolean {
  const silenceMs = state.timings.electionMs + patienceMs(state, nowMs)
  return state.leader !== null && (state.role === 'leader' || nowMs - state.heardAtMs < silenceMs)
}

/** The next campaign, if no leader is heard: U[1, 2) election timeouts from now, later for a higher rank slot. */
export function resetElectionDeadline({ state, nowMs }: Draft): void {
  const { electionMs } = state.timings
  state.deadlineMs = nowMs + electionMs * (1 + state.random() + state.rankSlot * RANK_SLOT_RATIO)
}
