import type { ConsensusMessage, EntryId, SnapshotChunk, SnapshotOffer } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { appendEntries, type Draft, send, truncateLog } from './draft.ts'
import { createLog, lastIndex, type Log, termAt } from './log.ts'

type AppendRequest = Extract<ConsensusMessage, { type: 'append-request' }>
type SnapshotRequest = Extract<ConsensusMessage, { type: 'snapshot-request' }>

/**
 * Makes this log agree with the leader's, as far as the request reaches, and commits what the leader says is committed within that reach.
 * A request that contradicts what is already committed here, which no sound leader can do, is answered with what it contradicts: the leader has
 * lost what was acknowledged. Throws `protocol` for one that breaks the form.
 */
export function onAppendRequest(draft: Draft, from: PeerId, request: AppendRequest): void {
  const { state } = draft
  checkForm(request)
  const respond = (ok: boolean, match: number): void =>
    send(draft, from, { type: 'append-response', term: state.term, ok, match, round: request.round })

  const contradicted = contradictedBy(state.log, state.commitIndex, request)
  if (contradicted !== undefined) {
    const { term, commitIndex } = state
    send(draft, from, { type: 'append-response', term, ok: false, match: commitIndex, round: request.round, contradicted })
    return
  }
  const reach = request.prevIndex + request.entries.length
  // What is committed is in the leader's log as well, so a request that does not go beyond it needs no comparing.
  if (reach <= state.commitIndex) return respond(true, state.commitIndex)
  // Up to the commit index both hold the same: where this log still knows the terms, they have just been compared.
  const isAnchored = request.prevIndex <= state.commitIndex || termAt(state.log, request.prevIndex) === request.prevTerm
  if (!isAnchored) return respond(false, lastPossibleMatch(state.log, state.commitIndex, request))

  const first = request.entries.find(entry => entry.index > state.commitIndex && termAt(state.log, entry.index) !== entry.term)
  if (first !== undefined) {
    // Truncate only where the logs differ: a late request must not take back entries that a newer one brought (Raft, figure 2, receiver 3).
    if (first.index <= lastIndex(state.log)) truncateLog(draft, first.index)
    appendEntries(draft, request.entries.slice(first.index - request.prevIndex - 1))
  }
  state.commitIndex = Math.max(state.commitIndex, Math.min(request.commit, reach))
  respond(true, reach)
}

/**
 * Takes the next chunk of the leader's snapshot and, with the last one, the snapshot in place of the log, unless the log already holds its
 * last entry. What is acknowledged is on disk by then: answers are sent after the `stage` and `restore` effects. Throws `protocol` for a chunk
 * that does not fit its own snapshot.
 */
export function onSnapshotRequest(draft: Draft, from: PeerId, request: SnapshotRequest): void {
  const { state } = draft
  const { snapshot, round } = request
  if (snapshot.index > state.commitIndex) {
    if (termAt(state.log, snapshot.index) !== snapshot.term) {
      const received = stageChunk(draft, request)
      if (received < request.bytes) {
        send(draft, from, { type: 'snapshot-response', term: state.term, index: snapshot.index, received, round })
        return
      }
      state.log = createLog(snapshot, [])
      state.incoming = null
      draft.restored = snapshot
    }
    state.commitIndex = snapshot.index
  }
  send(draft, from, { type: 'append-response', term: state.term, ok: true, match: state.commitIndex, round })
}

/**
 * Stages the chunk if it is the next one that is missing; a repeated or early one changes nothing. Returns how much of its snapshot is there.
 * A transfer that was broken off, by a crash of this peer or a change of leader, goes on where it was if the same bytes are offered again.
 */
function stageChunk(draft: Draft, { snapshot, bytes, checksum, offset, data, dataChecksum }: SnapshotChunk): number {
  const { state } = draft
  if (data.byteLength === 0 || offset + data.byteLength > bytes) throw new CaresError('protocol', 'a part of a snapshot is not within it')
  const offer: SnapshotOffer = { snapshot, bytes, checksum }
  const received = state.incoming !== null && isSameOffer(state.incoming.offer, offer) ? state.incoming.received : 0
  if (offset !== received) return received
  draft.staged = { ...offer, offset, data, dataChecksum }
  state.incoming = { offer, received: received + data.byteLength }
  return state.incoming.received
}

function isSameOffer(a: SnapshotOffer, b: SnapshotOffer): boolean {
  return a.snapshot.index === b.snapshot.index && a.snapshot.term === b.snapshot.term && a.bytes === b.bytes && a.checksum === b.checksum
}

/**
 * Where the leader should look next. Its terms up to `prevIndex` are at most `prevTerm`, so entries here with a later term cannot match; and
 * where one entry of a term does not match, the others of that term are doubtful. So one answer skips a whole term (Raft, section 5.3).
 */
function lastPossibleMatch(log: Log, commitIndex: number, { prevIndex, prevTerm }: AppendRequest): number {
  const conflicting = termAt(log, prevIndex)
  let index = Math.min(prevIndex - 1, lastIndex(log))
  for (; index > commitIndex; index -= 1) {
    const term = termAt(log, index) ?? 0
    if (term <= prevTerm && term !== conflicting) break
  }
  return index
}

function checkForm({ term, prevIndex, entries }: AppendRequest): void {
  const isOrdered = entries.every((entry, offset) => entry.index === prevIndex + 1 + offset && entry.term <= term)
  if (!isOrdered) throw new CaresError('protocol', 'an append request has gaps, or entries of a later term')
}

/** The first entry that is committed here, and another one for the leader: one of the two disks is not what it was. */
function contradictedBy(log: Log, commitIndex: number, { prevIndex, prevTerm, entries }: AppendRequest): EntryId | undefined {
  const claims: EntryId[] = [{ index: prevIndex, term: prevTerm }, ...entries]
  for (const { index, term } of claims) {
    if (index > commitIndex) return undefined
    const own = termAt(log, index)
    if (own !== undefined && own !== term) return { index, term: own }
  }
  return undefined
}
