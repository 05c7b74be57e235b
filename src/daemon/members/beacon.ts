import { heartbeatIntervalMs } from '../../core/membership/heartbeat-interval.ts'
import type { ClusterUid } from '../../model/ids.ts'
import type { Heartbeat, PeerProfile, PeerStats } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Timings } from '../../model/presets.ts'
import type { Random } from '../../model/random.ts'
import type { Consensus } from '../agreement/consensus.ts'
import type { Members } from './members.ts'
import type { StateCheck } from '../agreement/state-check.ts'
import type { Statistics } from './statistics.ts'

/** Heartbeats of different peers must not fall into step: each interval is drawn from this share around its length. */
const JITTER_RATIO = 0.2

/**
 * News of a peer's room wait for more of the same: at least so long, and longer in a large cluster, so that its orchestrator gets no more than
 * some hundred such reports a second from all together.
 */
const SOON_MS_MIN = 50
const SOON_MS_PER_PEER = 10

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
  #soon: Disposable | undefined
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
    this.#soon?.[Symbol.dispose]()
  }

  /** There is more or less room here than was told last: tells the orchestrator soon, once for all that changes meanwhile. */
  soon(): void {
    const { clock, members, statistics } = this.#components
    if (this.#timer === undefined) return
    this.#soon ??= clock.after(Math.max(SOON_MS_MIN, SOON_MS_PER_PEER * members.views().length), () => {
      this.#soon = undefined
      const heartbeat = this.#heartbeat(statistics.now(), { leaving: false })
      if (heartbeat !== null) this.#report(heartbeat)
    })
  }

  /**
   * Samples and tells the orchestrator. `urgent` tells everyone, at once, with the last sample of the machine: whoever stops has no time for another.
   * `leaving` does so, too, and says that this peer will not be heard again in this session.
   */
  async beat({ leaving = false, urgent = leaving }: { leaving?: boolean; urgent?: boolean } = {}): Promise<void> {
    const { statistics, members, consensus, transport, clock, random, timings } = this.#components
    if (this.#components.cluster() === null) return
    const heartbeat = this.#heartbeat(urgent ? statistics.now() : await statistics.sample(), { leaving })
    if (heartbeat === null) return
    this.#report(heartbeat, () => {
      // Half a report early is better than half a report late: the timer only fires every `reportMs`.
      if (urgent || clock.nowMs() + timings.reportMs / 2 >= this.#gossipDueMs) {
        this.#gossipDueMs = clock.nowMs() + this.#intervalMs() * (1 + JITTER_RATIO * (2 * random() - 1))
        transport.publishHeartbeat(heartbeat)
      }
      const digest = consensus.role.active ? members.digest(++this.#digestSeq) : null
      if (digest !== null) transport.publishDigest(digest)
    })
  }

  #heartbeat(stats: PeerStats, { leaving }: { leaving: boolean }): Heartbeat | null {
    const { stateCheck, clock, profile } = this.#components
    const cluster = this.#components.cluster()
    if (cluster === null) return null
    const nextWithinMs = Math.ceil(this.#intervalMs() * (1 + JITTER_RATIO))
    return { cluster, profile: profile(), stats, nextWithinMs, leaving, sentAtMs: Date.parse(clock.timestamp()), agreed: stateCheck.now() }
  }

  #intervalMs(): number {
    const { members, timings } = this.#components
    return heartbeatIntervalMs(members.views().length, timings.gossipMs)
  }

  /** Tells this peer itself and the orchestrator, and whom else `further` tells. */
  #report(heartbeat: Heartbeat, further: () => void = () => {}): void {
    const { members, consensus, transport, log } = this.#components
    try {
      members.sampled(heartbeat.profile, heartbeat.stats)
      const { leader } = consensus.role
      if (leader !== null && leader !== transport.self) transport.sendReport(leader, heartbeat)
      further()
    } catch (err) {
      log.warn({ err }, 'statistics were not sent')
    }
  }
}
