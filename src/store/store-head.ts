import type { HardState, SnapshotChunk, SnapshotMeta, SnapshotOffer, StagedSnapshot } from '../model/consensus.ts'
import { CaresError } from '../model/errors.ts'
import type { Applied, PersistBatch } from '../model/ports/store.ts'

/** How far a store has come. What may be written next follows from it, whatever the store keeps its rows in. */
export interface StoreHead {
  readonly hardState: HardState
  readonly snapshot: SnapshotMeta
  /** Of the newest entry; `snapshot.index` when there is none. */
  readonly lastIndex: number
  readonly appliedIndex: number
  /** How much of which snapshot has arrived; null for none. */
  readonly staged: StagedSnapshot | null
}

/*
 * Each function below gives the head after one operation, and throws `internal` for an operation that no sound peer asks for: a term that
 * goes back, a second vote in a term, a gap in the log, an applied entry that is overwritten. A mistake elsewhere then stops this peer at
 * its disk, instead of becoming a second orchestrator or a forked log.
 */

/** The head of a new data directory. */
export function emptyHead(): StoreHead {
  const snapshot: SnapshotMeta = { index: 0, term: 0, configuration: { voters: [], learners: [] } }
  return { hardState: { term: 0, votedFor: null }, snapshot, lastIndex: 0, appliedIndex: 0, staged: null }
}

/** After `persist`. */
export function headAfterPersist(head: StoreHead, { hardState = head.hardState, truncateFrom, append }: PersistBatch): StoreHead {
  const { term, votedFor } = head.hardState
  if (hardState.term < term) throw unsound(`the term would go back from ${term} to ${hardState.term}`)
  if (hardState.term === term && votedFor !== null && hardState.votedFor !== votedFor)
    throw unsound(`the vote of term ${term} would change from ${votedFor} to ${hardState.votedFor}`)
  if (truncateFrom !== undefined && truncateFrom <= head.appliedIndex)
    throw unsound(`entries from ${truncateFrom} on would be replaced, but those up to ${head.appliedIndex} are applied`)
  let lastIndex = Math.min(head.lastIndex, (truncateFrom ?? Number.POSITIVE_INFINITY) - 1)
  for (const { index } of append) {
    if (index !== lastIndex + 1) throw unsound(`entry ${index} would follow entry ${lastIndex}`)
    lastIndex = index
  }
  return { ...head, hardState, lastIndex }
}

/** After `apply`. */
export function headAfterApply(head: StoreHead, applied: readonly Applied[], appliedIndex: number): StoreHead {
  let last = head.appliedIndex
  for (const { index } of applied) {
    if (index <= last) throw unsound(`entry ${index} would be applied after entry ${last}`)
    last = index
  }
  if (appliedIndex < last)
    throw unsound(`entries up to ${last} are applied, but the tables are said to include those up to ${appliedIndex}`)
  if (appliedIndex > head.lastIndex) throw unsound(`entry ${appliedIndex} would be applied, the log ends at ${head.lastIndex}`)
  return { ...head, appliedIndex }
}

/** After `compact`. */
export function headAfterCompact(head: StoreHead, snapshot: SnapshotMeta): StoreHead {
  if (snapshot.index < head.snapshot.index || snapshot.index > head.appliedIndex)
    throw unsound(`the log would be cut at ${snapshot.index}, not between ${head.snapshot.index} and ${head.appliedIndex}`)
  return { ...head, snapshot }
}

/** After `stage`. */
export function headAfterStage(head: StoreHead, { snapshot, bytes, checksum, offset, data }: SnapshotChunk): StoreHead {
  const offer: SnapshotOffer = { snapshot, bytes, checksum }
  const isFirst = offset === 0
  if (!isFirst && (head.staged === null || !isSameOffer(head.staged.offer, offer)))
    throw unsound(`byte ${offset} of a snapshot would be kept without those before it`)
  const received = isFirst ? 0 : (head.staged?.received ?? 0)
  if (offset !== received || offset + data.length > bytes)
    throw unsound(`${data.length} bytes of a snapshot of ${bytes} would be kept from ${offset} on, after ${received}`)
  return { ...head, staged: { offer, received: received + data.length } }
}

/** Throws unless all parts of `snapshot` are staged. */
export function assertStaged({ staged }: StoreHead, snapshot: SnapshotMeta): StagedSnapshot {
  if (staged === null || staged.offer.snapshot.index !== snapshot.index || staged.received !== staged.offer.bytes)
    throw unsound(`the snapshot of ${snapshot.index} would be restored before it has arrived in whole`)
  return staged
}

/** After `restore` of a snapshot whose data is of log index `dataIndex`. Throws `protocol` when that is another than the one announced. */
export function headAfterRestore(head: StoreHead, snapshot: SnapshotMeta, dataIndex: number): StoreHead {
  if (dataIndex !== snapshot.index)
    throw new CaresError('protocol', `the snapshot was announced for log index ${snapshot.index}, its data is of ${dataIndex}`)
  if (snapshot.index < head.appliedIndex) throw unsound(`the tables would go back from log index ${head.appliedIndex} to ${snapshot.index}`)
  return { ...head, snapshot, lastIndex: snapshot.index, appliedIndex: snapshot.index, staged: null }
}

function isSameOffer(a: SnapshotOffer, b: SnapshotOffer): boolean {
  return a.snapshot.index === b.snapshot.index && a.bytes === b.bytes && a.checksum === b.checksum
}

function unsound(why: string): CaresError {
  return new CaresError('internal', `refused to write what cannot be right: ${why}`, {
    hint: 'restart the peer, and report this as a defect of CARES'
  })
}
