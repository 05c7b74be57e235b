/** How often a run went through what it is meant to try. A suite whose counters stay at 0 proves nothing about that corner. */
export type Coverage = {
  elections: number
  acknowledged: number
  refused: number
  crashes: number
  /** A leader whose write became durable died before its messages left. */
  leaderDiedAfterPersist: number
  /** Died with a vote or term on disk that nobody has heard of. */
  voterDiedAfterPersist: number
  pauses: number
  truncations: number
  quorumStepDowns: number
  reconfigurations: number
  promotions: number
  demotions: number
  removals: number
  leaderRemovedItself: number
  transfers: number
  snapshotsSent: number
  snapshotsRestored: number
  /** A chunk that went on where a transfer was broken off by a crash of its receiver. */
  snapshotsResumed: number
  compactions: number
  extensions: number
  /** Questions of how much is agreed that were answered. */
  reads: number
}

/** All counters at 0. */
export function emptyCoverage(): Coverage {
  return {
    elections: 0,
    acknowledged: 0,
    refused: 0,
    crashes: 0,
    leaderDiedAfterPersist: 0,
    voterDiedAfterPersist: 0,
    pauses: 0,
    truncations: 0,
    quorumStepDowns: 0,
    reconfigurations: 0,
    promotions: 0,
    demotions: 0,
    removals: 0,
    leaderRemovedItself: 0,
    transfers: 0,
    snapshotsSent: 0,
    snapshotsRestored: 0,
    snapshotsResumed: 0,
    compactions: 0,
    extensions: 0,
    reads: 0
  }
}
