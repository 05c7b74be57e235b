import type { Configuration, ConsensusMessage, ConsensusRole, Entry, SnapshotMeta } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import type { RaftState } from './state.ts'

/**
 * What a step asks of its driver. The effects of a step are carried out one after the other, in the order given, and those of the next step
 * after them. That order is what safety rests on, and it is always the same:
 *
 * 1. `persist`, then `restore`: on disk (fsync) **before** anything below. A failure means that the peer must stop taking part.
 * 2. `send`, `send-snapshot`: every promise in them (a vote, an acknowledgement, a leader's own copy) is already on disk.
 * 3. `apply`: committed entries, each exactly once and in order. A lone voter, too, commits only what step 1 has written.
 * 4. `configuration-changed`, `role-changed`: news. When they are carried out, all of the above holds.
 */
export type Effect =
  | { readonly type: 'persist'; readonly batch: PersistBatch }
  /** Replace tables and log by the leader's snapshot. Its acknowledgement follows as a `send`. */
  | { readonly type: 'restore'; readonly snapshot: SnapshotMeta; readonly data: Uint8Array }
  /** Best effort: a message may be lost, repeated, late or out of order. */
  | { readonly type: 'send'; readonly to: PeerId; readonly message: ConsensusMessage }
  /**
   * Load a snapshot of the tables, describe it with `describeSnapshot`, and send both as a `snapshot-request` with this term and round.
   * Later sends to the same peer should wait for it. Best effort; asked for again when it did not arrive.
   */
  | { readonly type: 'send-snapshot'; readonly to: PeerId; readonly term: Term; readonly round: number }
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

/** The outcome of one input: the state that replaces the old one, and what to do, in order. */
export interface Step {
  readonly state: RaftState
  readonly effects: readonly Effect[]
}
