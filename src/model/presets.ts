/**
 * The timings of a peer, for one kind of network. All in milliseconds. Raising any of them makes a cluster calmer (fewer false alarms, less
 * traffic) and slower to notice and repair a failure.
 *
 * What follows from them, with the figures of `lan` / `wan` / `loopback`:
 *
 * | after | what happens | formula |
 * | --- | --- | --- |
 * | | `core/consensus/limits.ts`: | |
 * | 1.1 to 1.25 s / 3.3 to 3.75 s / 0.66 to 0.75 s | a voter that hears no orchestrator campaigns, if it is the first in turn | electionMs × U[1.1, 1.25) |
 * | 50 to 100 ms / 150 to 300 ms / 30 to 60 ms | the same, when its connection to the orchestrator has closed | electionMs × U[0.05, 0.1) |
 * | 1 to 2.2 s / 3 to 6.6 s / 0.6 to 1.32 s | a voter campaigns where nobody is known to lead | electionMs × U[1, 2.2) |
 * | 250, 150 ms / 750, 450 ms / 150, 90 ms later | the next voter in turn does so; their turns are in the order of their ids | electionMs × 0.25, × 0.15 |
 * | 2.5 to 2.65 s / 7.5 to 7.95 s / 1.5 to 1.59 s | a peer that does not vote knows no orchestrator any more | electionMs × U[2.5, 2.65) |
 * | 1.5 s / 4.5 s / 0.9 s | an orchestrator without a majority steps down | 1.5 × electionMs |
 * | | `core/membership/judge.ts`: | |
 * | 0 | a peer whose connection has closed is suspect | |
 * | 3 s / 6 s / 1.5 s | a peer that is silent, or cut off, is suspect: it gets no new work | suspectAfterMs |
 * | 5 s / 15 s / 2.5 s, of 50 peers 10 / 20 / 5 s | it is gone, if nobody hears it | max(goneAfterMs, 1.5 × next), next = 1.2 × gossipMs × max(1, peers / 9) |
 * | 2.5 s / 7.5 s / 1.3 s, of 50 peers 10 / 20 / 5 s | it is gone, if its connection has closed, too | max(goneAfterMs / 2, 1.5 × next) |
 * | | `core/consensus/voters.ts`: | |
 * | 3 s / 10 s / 0.5 s of health, and 64 entries behind at most | a learner becomes a voter where one is wanted | promoteAfterMs |
 * | 15 s / 60 s / 5 s | a voter that is gone is replaced by a learner | replaceAfterMs |
 * | 24 h | a member that is gone is none any more; sooner by `cares leave PEER` | forgetAfterMs |
 * | | `core/tasks/leases.ts`: | |
 * | 10 s / 30 s / 2 s | a worker that hears no orchestrator ends its tasks | leaseMs |
 * | 14.1 s / 42.3 s / 3.62 s | the tasks of a worker that is silent are tried elsewhere | leaseMs × 1.21 + 2 × electionMs |
 *
 * A voter that has learned patience campaigns so much later, by 2 × electionMs at most (`PATIENCE_RATIO_MAX`).
 * A peer that is itself short of processor time waits up to five times as long before it takes others for suspect or gone (`DOUBT_MAX`).
 */
export interface Timings {
  /**
   * Between two appends of an orchestrator that has nothing to say. So often that five may be lost or late before anybody campaigns; `lan`: 5 small
   * messages a second to each voter, and 1.25 to each other peer (every fourth one), so that an orchestrator of 50 peers sends 76 of them. `wan`: three round
   * trips of 200 ms, so that one is answered before the next is sent even if a segment was lost.
   */
  readonly heartbeatMs: number
  /**
   * A follower that hears nothing for U[1.1, 1.25) of this campaigns, if it is the first in turn. At least 3 × `heartbeatMs`; here 5 or 6 of them. It must
   * also be longer than a peer may stand still without being dead: the slowest fsync that was measured beside 16 busy loops took 479 ms.
   */
  readonly electionMs: number
  /** Between two statistics samples, and so between two reports to the orchestrator and two digests. A sample costs some 3 ms of processor time. */
  readonly reportMs: number
  /**
   * Least time between a peer's own gossiped heartbeats; the real one grows with the cluster: max(this, peers / 9 × this), so that all together send at most
   * nine in this time.
   */
  readonly gossipMs: number
  /** A peer that the orchestrator has not heard for so long takes no new work. 3 × `reportMs`: two reports may be lost or late. */
  readonly suspectAfterMs: number
  /**
   * A suspect that nobody has heard for so long is gone; half of it when its connection has closed, too. Two reports (`lan`) more than it takes to be
   * suspect: for the others to tell that they hear it still. `wan`: longer than a route takes to be found anew, some ten seconds.
   */
  readonly goneAfterMs: number
  /** How long a learner must have been healthy before it may become a voter. As long as it takes to be suspect: who comes and goes faster gets no vote. */
  readonly promoteAfterMs: number
  /** How long a voter must have been gone before a learner takes its place. `lan`: longer than a process takes to restart; `wan`: than a machine does. */
  readonly replaceAfterMs: number
  /**
   * A member that is gone for so long is none any more; should it come back, it joins again. Long enough for a weekend's repair to have begun. Counted by one
   * orchestrator, on its own clock: its successor knows nothing of the time before, and begins anew, so that nobody is let go too soon.
   */
  readonly forgetAfterMs: number
  /**
   * How long a worker goes on with its tasks without hearing from an orchestrator. Lower: tasks of a lost worker are tried again sooner. Long enough for an
   * election, twice over, and renewed five times in it.
   */
  readonly leaseMs: number
  /**
   * Longest a dial may take. A new connection needs six round trips (TCP, the protocols' names, Noise, yamux), 1.2 s of them at 200 ms each; the rest is for a
   * lost SYN, which TCP sends again after one second and then after two more.
   */
  readonly dialMs: number
}

/** One of the names in {@link PRESETS}. */
export type Preset = 'lan' | 'wan' | 'loopback'

/** `lan`: the default, for round trips of up to some 50 ms. `wan`: of up to 200 ms. `loopback`: tests and demos on one machine. */
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
