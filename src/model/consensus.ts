import type { ClusterUid, PeerId, Term } from './ids.ts'

/** Who counts in elections and acknowledgements (`voters`: 1, 3 or 5) and who only follows the log. No peer is in both; both are sorted. */
export interface Configuration {
  readonly voters: readonly PeerId[]
  readonly learners: readonly PeerId[]
}

/** One record of the log. `index` starts at 1 and has no gaps. */
export type Entry = { readonly index: number; readonly term: Term } & (
  | { readonly kind: 'noop' }
  | { readonly kind: 'configuration'; readonly configuration: Configuration }
  | { readonly kind: 'command'; readonly command: Uint8Array }
)

/** What must be on disk before any message of the same step is sent. */
export interface HardState {
  readonly term: Term
  readonly votedFor: PeerId | null
}

/** One place in the log, and the term of what stands there. */
export interface EntryId {
  readonly index: number
  readonly term: Term
}

/** What the log up to `index` amounts to. The state itself is opaque here: `store/` makes and restores it. */
export interface SnapshotMeta {
  readonly index: number
  readonly term: Term
  readonly configuration: Configuration
}

/** One snapshot on its way to a peer: which, how many bytes it has in all, and their CRC-32. Equal offers are of equal bytes. */
export interface SnapshotOffer {
  readonly snapshot: SnapshotMeta
  readonly bytes: number
  readonly checksum: number
}

/** The bytes of a snapshot from `offset` on, as many as one message carries, with the CRC-32 of just these. */
export interface SnapshotChunk extends SnapshotOffer {
  readonly offset: number
  readonly data: Uint8Array
  readonly dataChecksum: number
}

/** How much of a snapshot has arrived: `received` bytes are on the disk, without gaps. */
export interface StagedSnapshot {
  readonly offer: SnapshotOffer
  readonly received: number
}

/** Raft's messages (Ongaro 2014, figure 3.1 and chapters 4, 6 and 9). `from`, `to` are added by the transport. */
export type ConsensusMessage = {
  readonly term: Term
  /** The sender's cluster, filled in by the driver: messages of another cluster are dropped. Absent: the sender is in none yet. */
  readonly cluster?: ClusterUid | undefined
} & (
  | {
      readonly type: 'vote-request'
      /** A question without consequence: would you vote for me in `term`? Persisted by nobody. */
      readonly pre: boolean
      readonly lastIndex: number
      readonly lastTerm: Term
      /** The leader itself asked for this election: stickiness does not apply. */
      readonly transfer: boolean
    }
  | { readonly type: 'vote-response'; readonly pre: boolean; readonly granted: boolean }
  | {
      readonly type: 'append-request'
      readonly prevIndex: number
      readonly prevTerm: Term
      readonly entries: readonly Entry[]
      readonly commit: number
      /** Rises with each heartbeat round; echoed, so that the leader knows which round was answered. */
      readonly round: number
    }
  | {
      readonly type: 'append-response'
      readonly ok: boolean
      /** ok: the highest index known to match. Not ok: where the follower suggests to look next. */
      readonly match: number
      readonly round: number
      /** An entry that is committed here, and that the request contradicts; absent: there is none. */
      readonly contradicted?: EntryId | undefined
    }
  | ({ readonly type: 'snapshot-request'; readonly round: number } & SnapshotChunk)
  | {
      /** An answer to a chunk that was not the last. The last one is answered like an append, once the snapshot is restored. */
      readonly type: 'snapshot-response'
      /** Of the snapshot. */
      readonly index: number
      /** Bytes of it that this peer has on its disk: where the leader goes on. */
      readonly received: number
      readonly round: number
    }
  | { readonly type: 'timeout-now' }
)

/** `warming` is a leader whose first entry is not yet applied: it may not decide anything. */
export type ConsensusRole = 'learner' | 'follower' | 'pre-candidate' | 'candidate' | 'leader'
