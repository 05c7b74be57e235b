import type { ConsensusMessage, Entry, SnapshotChunk, SnapshotMeta } from '../../model/consensus.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import type { Effect, Step } from './effects.ts'
import { append, entriesBetween, lastIndex, newestConfiguration, truncateFrom } from './log.ts'
import { isActiveLeader, isElectable, type Progress, type RaftState } from './state.ts'

type Changeable<Value> = { -readonly [Key in keyof Value]: Value[Key] }

/** What a leader knows of one peer, in the copy of a step. */
export type OwnProgress = Changeable<Progress>

/**
 * One step in the making: a copy of the state that the step's verbs may change, and what it sends. Lives only within one call of a public
 * function, so that the verbs read like the paper and callers still see values that never change.
 */
export interface Draft {
  readonly before: RaftState
  readonly nowMs: number
  readonly state: Changeable<Omit<RaftState, 'progress'>> & { progress: OwnProgress[] }
  readonly sends: Effect[]
  /** The first entry that is on disk and must go. */
  truncatedFrom: number | undefined
  staged: SnapshotChunk | undefined
  restored: SnapshotMeta | undefined
}

/** A draft that is equal to `before` and sends nothing. */
export function beginStep(before: RaftState, nowMs: number): Draft {
  const state = { ...before, progress: before.progress.map(progress => ({ ...progress })) }
  return { before, nowMs, state, sends: [], truncatedFrom: undefined, staged: undefined, restored: undefined }
}

/** Puts a message on its way; `term` is the sender's unless the message says otherwise. */
export function send(draft: Draft, to: PeerId, message: ConsensusMessage): void {
  draft.sends.push({ type: 'send', to, message })
}

/** Adds entries at the end of the log. */
export function appendEntries(draft: Draft, entries: readonly Entry[]): void {
  if (entries.length > 0) draft.state.log = append(draft.state.log, entries)
}

/** Drops the entries from `index` on, all of them uncommitted. */
export function truncateLog(draft: Draft, index: number): void {
  if (index <= draft.state.commitIndex) throw new Error(`broken invariant: truncating ${index}, committed up to ${draft.state.commitIndex}`)
  draft.state.log = truncateFrom(draft.state.log, index)
  draft.truncatedFrom = Math.min(index, draft.truncatedFrom ?? index)
}

/** The finished step: what changed, as effects in the one order that is safe (see {@link Effect}). */
export function finishStep(draft: Draft): Step {
  const { before, state } = draft
  // A change of the configuration, or its commit, makes a learner of a follower, and the other way round.
  if (state.role !== 'leader') {
    if (!isElectable(state)) state.role = 'learner'
    else if (state.role === 'learner') state.role = 'follower'
  }
  const effects: Effect[] = []
  const batch = persistBatch(draft)
  if (batch !== undefined) effects.push({ type: 'persist', batch })
  if (draft.staged !== undefined) effects.push({ type: 'stage', chunk: draft.staged })
  if (draft.restored !== undefined) effects.push({ type: 'restore', snapshot: draft.restored })
  for (const effect of draft.sends) effects.push(effect)
  if (draft.restored === undefined && state.commitIndex > before.commitIndex) {
    effects.push({ type: 'apply', entries: entriesBetween(state.log, before.commitIndex + 1, state.commitIndex + 1) })
  }
  const newest = newestConfiguration(state.log)
  // By value of the object: compacting and restoring keep or replace it, and only what is replaced is news.
  if (newest.configuration !== newestConfiguration(before.log).configuration) effects.push({ type: 'configuration-changed', ...newest })
  const active = isActiveLeader(state)
  if (state.role !== before.role || state.leader !== before.leader || state.term !== before.term || active !== isActiveLeader(before)) {
    effects.push({ type: 'role-changed', role: state.role, leader: state.leader, term: state.term, active })
  }
  return { state, effects }
}

function persistBatch({ before, state, truncatedFrom, restored }: Draft): PersistBatch | undefined {
  const isHardStateNew = state.term !== before.term || state.votedFor !== before.votedFor
  if (!isHardStateNew && state.log === before.log) return undefined
  const hardState = isHardStateNew ? { term: state.term, votedFor: state.votedFor } : undefined
  // A restored log is written by `restore`, which replaces all.
  const from = restored === undefined ? Math.min(truncatedFrom ?? Number.POSITIVE_INFINITY, lastIndex(before.log) + 1) : undefined
  const added = from === undefined ? [] : entriesBetween(state.log, from)
  if (hardState === undefined && truncatedFrom === undefined && added.length === 0) return undefined
  return { hardState, truncateFrom: restored === undefined ? truncatedFrom : undefined, append: added }
}
