import type { ClusterUid, PeerId, Term } from './ids.ts'

/** What a stopped peer has on its disk, as far as it matters to whether a cluster should go on from there. */
export interface RecoveryAssessment {
  readonly data: string
  readonly peer: PeerId
  readonly cluster: ClusterUid
  readonly term: Term
  /** Who votes, and who only follows, as far as this peer knows. */
  readonly voters: readonly PeerId[]
  readonly learners: readonly PeerId[]
  /** The term and index of the newest entry of its log: of several survivors, the one with the greater term, then index, has lost least. */
  readonly lastTerm: Term
  readonly lastIndex: number
  /** Known to be agreed up to here. What follows may never have been agreed. */
  readonly appliedIndex: number
  readonly functions: number
}

/** A data directory that is held for a recovery. */
export interface Recovery {
  readonly assessment: RecoveryAssessment
  /** Makes the peer the only one of a new cluster that goes on from what is on its disk. Returns the new cluster's uid. */
  recover(): Promise<ClusterUid>
  /** Lets go of the directory. */
  close(): Promise<void>
}
