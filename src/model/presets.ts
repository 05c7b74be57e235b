/**
 * The timings of a peer, for one kind of network. All in milliseconds. Raising any of them makes a cluster calmer (fewer false alarms, less
 * traffic) and slower to notice and repair a failure.
 */
export interface Timings {
  /** Between two appends of an orchestrator that has nothing to say. */
  readonly heartbeatMs: number
  /** A follower that hears nothing for U[1, 2) of this campaigns. At least 3 × `heartbeatMs`. */
  readonly electionMs: number
  /** Between two statistics samples, and so between two reports to the orchestrator and two digests. */
  readonly reportMs: number
  /** Least time between a peer's own gossiped heartbeats; the real one grows with the cluster: max(this, peers / 9 × this). */
  readonly gossipMs: number
  /** A peer that the orchestrator has not heard for so long takes no new work. 3 × `reportMs`. */
  readonly suspectAfterMs: number
  /** A suspect that nobody has heard for so long is gone; half of it when its connection has closed, too. */
  readonly goneAfterMs: number
  /** How long a learner must have been healthy before it may become a voter. */
  readonly promoteAfterMs: number
  /** How long a voter must have been gone before a learner takes its place. */
  readonly replaceAfterMs: number
  /**
   * A member that is gone for so long is none any more; should it come back, it joins again. Long enough for a weekend's repair to have begun. Counted by one
   * orchestrator, on its own clock: its successor knows nothing of the time before, and begins anew, so that nobody is let go too soon.
   */
  readonly forgetAfterMs: number
  /** How long a worker goes on with its tasks without hearing from an orchestrator. Lower: tasks of a lost worker are tried again sooner. */
  readonly leaseMs: number
  /** Longest a dial may take. */
  readonly dialMs: number
}

export type Preset = 'lan' | 'wan' | 'loopback'

/** `lan`: the default. `wan`: round trips of up to 200 ms. `loopback`: tests and demos on one machine. */
export const PRESETS: Readonly<Record<Preset, Timings>> = {
  lan: {
    heartbeatMs: 200,
    electionMs: 1_000,
    reportMs: 1_000,
    gossipMs: 1_000,
    suspectAfterMs: 3_000,
    goneAfterMs: 5_000,
    promoteAfterMs: 3_000,
    replaceAfterMs: 15_000,
    forgetAfterMs: 86_400_000,
    leaseMs: 10_000,
    dialMs: 2_000
  },
  wan: {
    heartbeatMs: 600,
    electionMs: 3_000,
    reportMs: 2_000,
    gossipMs: 2_000,
    suspectAfterMs: 6_000,
    goneAfterMs: 15_000,
    promoteAfterMs: 10_000,
    replaceAfterMs: 60_000,
    forgetAfterMs: 86_400_000,
    leaseMs: 30_000,
    dialMs: 5_000
  },
  loopback: {
    heartbeatMs: 100,
    electionMs: 600,
    reportMs: 500,
    gossipMs: 500,
    suspectAfterMs: 1_500,
    goneAfterMs: 2_500,
    promoteAfterMs: 500,
    replaceAfterMs: 5_000,
    forgetAfterMs: 86_400_000,
    leaseMs: 2_000,
    dialMs: 1_000
  }
}
