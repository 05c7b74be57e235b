import type { Configuration, ConsensusMessage, ConsensusRole, Entry, SnapshotChunk, SnapshotMeta } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import type { RaftState } from './state.ts'

/**
 * What a step asks of its driver. The effects of a step are carried out one after the other, in the order given, and those of the next step
 * after them. That order is what safety rests on, and it is always the same:
 *
 * 1. `persist`, then `stage`, then `restore`: on disk (fsync) **before** anything below. A failure means that the peer must stop taking part.
 * 2. `send`, `send-snapshot`: every promise in them (a vote, an acknowledgement, a leader's own copy) is already on disk.
 * 3. `apply`: committed entries, each exactly once and in order. A lone voter, too, commits only what step 1 has written.
 * 4. `configuration-changed`, `role-changed`: news. When they are carried out, all of the above holds.
 */
export type Effect =
  | { readonly type: 'persist'; readonly batch: PersistBatch }
  /** Keep a part of the leader's snapshot on disk. At offset 0 it is the first of another one: what was kept before may go. */
  | { readonly type: 'stage'; readonly chunk: SnapshotChunk }
  /** Replace tables and log by the snapshot whose parts are staged, all of them. Its acknowledgement follows as a `send`. */
  | { readonly type: 'restore'; readonly snapshot: SnapshotMeta }
  /** Best effort: a message may be lost, repeated, late or out of order. */
  | { readonly type: 'send'; readonly to: PeerId; readonly message: ConsensusMessage }
  /**
   * Send one chunk of a snapshot as a `snapshot-request` with this term and round: of the snapshot of `at.index` from `at.offset` on, if the
   * driver still has that one, else the first chunk of any that `describeSnapshot` can describe. Best effort; asked for again when no answer
   * comes.
   */
  | {
      readonly type: 'send-snapshot'
      readonly to: PeerId
      readonly term: Term
      readonly round: number
      readonly at: SnapshotPosition | null
    }
  /** All kinds of entries: those that are no command only advance the applied index. */
  | { readonly type: 'apply'; readonly entries: readonly Entry[] }
  /** The configuration that counts has changed. It may not be committed yet, and an uncommitted one can be taken back. */
  | { readonly type: 'configuration-changed'; readonly index: number; readonly configuration: Configuration }
  /** `active`: this peer is the leader and its first entry is applied, so it may decide. `leader`: whom to ask; null while nobody is known. */
  | {
      readonly type: 'role-changed'
      readonly role: ConsensusRole
      readonly leader: PeerId | null
      readonly term: Term
      readonly active: boolean
    }

/** Where in which snapshot a peer is to go on. */
export interface SnapshotPosition {
  /** Of the snapshot. */
  readonly index: number
  readonly offset: number
}

/** The outcome of one input: the state that replaces the old one, and what to do, in order. */
export interface Step {
  readonly state: RaftState
  readonly effects: readonly Effect[]
}
