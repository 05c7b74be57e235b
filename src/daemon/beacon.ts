import { heartbeatIntervalMs } from '../core/membership/heartbeat-interval.ts'
import type { ClusterUid } from '../model/ids.ts'
import type { Heartbeat, PeerProfile } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { Timings } from '../model/presets.ts'
import type { Random } from '../model/random.ts'
import type { Consensus } from './consensus.ts'
import type { Members } from './members.ts'
import type { StateCheck } from './state-check.ts'
import type { Statistics } from './statistics.ts'

/** Heartbeats of different peers must not fall into step: each interval is drawn from this share around its length. */
const JITTER_RATIO = 0.2

export interface BeaconComponents {
  readonly statistics: Statistics
  readonly stateCheck: StateCheck
  readonly members: Members
  readonly consensus: Consensus
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly profile: () => PeerProfile
  readonly cluster: () => ClusterUid | null
  readonly timings: Timings
}

/**
 * Tells the others how this peer is: a report to the orchestrator with every sample, a gossiped heartbeat at an interval that grows with the
 * cluster, and, in office, the digest of everyone. So the cost of statistics stays bounded however many peers there are.
 */
export class Beacon implements Startable {
  readonly #components: BeaconComponents
  #timer: Disposable | undefined
  #gossipDueMs = Number.NEGATIVE_INFINITY
  #digestSeq = 0

  constructor(components: BeaconComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { clock, timings } = this.#components
    this.#timer ??= clock.every(timings.reportMs, async () => this.beat())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /**
   * Samples and tells the orchestrator. `urgent` tells everyone at once, `leaving` does so, too, and says that this peer will not be heard
   * again in this session.
   */
  async beat({ leaving = false, urgent = leaving }: { leaving?: boolean; urgent?: boolean } = {}): Promise<void> {
    const { statistics, stateCheck, members, consensus, transport, clock, log, random, profile, timings } = this.#components
    const cluster = this.#components.cluster()
    if (cluster === null) return
    const stats = await statistics.sample()
    const intervalMs = heartbeatIntervalMs(members.views().length, timings.gossipMs)
    const heartbeat: Heartbeat = {
      cluster,
      profile: profile(),
      stats,
      nextWithinMs: Math.ceil(intervalMs * (1 + JITTER_RATIO)),
      leaving,
      sentAtMs: Date.parse(clock.timestamp()),
      agreed: stateCheck.now()
    }
    try {
      members.sampled(heartbeat.profile, stats)
      const { leader, active } = consensus.role
      if (leader !== null && leader !== transport.self) transport.sendReport(leader, heartbeat)
      // Half a report early is better than half a report late: the timer below only fires every `reportMs`.
      if (urgent || clock.nowMs() + timings.reportMs / 2 >= this.#gossipDueMs) {
        this.#gossipDueMs = clock.nowMs() + intervalMs * (1 + JITTER_RATIO * (2 * random() - 1))
        transport.publishHeartbeat(heartbeat)
      }
      const digest = active ? members.digest(++this.#digestSeq) : null
      if (digest !== null) transport.publishDigest(digest)
    } catch (err) {
      log.warn({ err }, 'statistics were not sent')
    }
  }
}
