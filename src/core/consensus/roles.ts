import type { PeerId, Term } from '../../model/ids.ts'
import type { Draft } from './draft.ts'
import {
  HINT_RATIO,
  HINT_SPREAD_RATIO,
  HINT_TURN_RATIO,
  LEARNER_HEARTBEATS,
  LEARNER_SILENCE_RATIO,
  LOT_RATIO_MAX,
  LOT_RATIO_MIN,
  PATIENCE_RATIO_MAX,
  SILENCE_HEARTBEATS,
  SILENCE_RATIO,
  SILENCE_SPREAD_RATIO,
  SILENCE_TURN_RATIO
} from './limits.ts'
import { configurationOf, isVoter, patienceMs } from './state.ts'

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
  const toldEveryMs = isVoter(state) ? heartbeatMs : LEARNER_HEARTBEATS * heartbeatMs
  const excessMs = nowMs - state.heardAtMs - SILENCE_HEARTBEATS * toldEveryMs
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

/**
 * The next campaign, if no leader is heard: after more than an election timeout of silence, in this peer's turn. Where nobody is known to lead, it comes by
 * lot: the first in turn may be one that cannot win, because it lacks entries, and must not come first again and again.
 */
export function resetElectionDeadline({ state, nowMs }: Draft): void {
  const { leader, timings } = state
  const ratio =
    leader === null
      ? LOT_RATIO_MIN + state.random() * (LOT_RATIO_MAX - LOT_RATIO_MIN)
      : silenceRatio(leader, state) + state.random() * SILENCE_SPREAD_RATIO
  state.deadlineMs = nowMs + timings.electionMs * ratio
}

function silenceRatio(leader: PeerId, state: Draft['state']): number {
  return isVoter(state) ? SILENCE_RATIO + turnAfter(leader, state) * SILENCE_TURN_RATIO : LEARNER_SILENCE_RATIO
}

/** The same, if the connection to `leader` has closed. */
export function hastenElection({ state, nowMs }: Draft, leader: PeerId): void {
  const ratio = HINT_RATIO + turnAfter(leader, state) * HINT_TURN_RATIO + state.random() * HINT_SPREAD_RATIO
  state.deadlineMs = Math.min(state.deadlineMs, nowMs + state.timings.electionMs * ratio)
}

/** How many voters campaign before this peer when `leader` is lost; all of them, if it is no voter itself. */
function turnAfter(leader: PeerId, state: Draft['state']): number {
  const heirs = configurationOf(state).voters.filter(voter => voter !== leader)
  const place = heirs.indexOf(state.self)
  return (place < 0 ? heirs.length : place) + state.rankSlot
}
