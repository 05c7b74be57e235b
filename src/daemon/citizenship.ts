import { membersOf } from '../core/consensus/log.ts'
import type { PeerAddress } from '../model/control.ts'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { ClusterUid, PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'
import type { Store } from '../model/ports/store.ts'
import type { Transport } from '../model/ports/transport.ts'
import type { Timings } from '../model/presets.ts'
import type { Beacon } from './members/beacon.ts'
import type { Consensus } from './agreement/consensus.ts'
import { ask } from './agreement/control-client.ts'
import type { Governor } from './agreement/governor.ts'
import type { Gateway } from './calls/invoke.ts'
import type { Joining } from './agreement/joining.ts'
import type { Members } from './members/members.ts'
import type { Serving } from './serving.ts'
import { untilAborted } from '../model/until-aborted.ts'
import type { Worker } from './calls/work.ts'

/**
 * Running work has this long to end by itself before the peer goes, handing over the role included. `docker stop` and most service managers kill after
 * 10 s: closing connections takes up to one of them, removing containers three.
 */
const DRAIN_MS = 6_000
/** The last bytes of the last answers are on their way for about so long. */
const FLUSH_MS = 50
/** A transfer of the role takes a round trip; longer than this, the others elect without our help. */
const TRANSFER_MS = 1_000
const LEAVE_TRY_MS = 5_000
const LOOK_MS = 25
/** Between two asks to be let go: twice as long each time, so that an election is over soon and whoever waits for longer is no burden. */
const LEAVE_PAUSES_MS = { min: 100, max: 1_000 }
/**
 * A peer that hears no orchestrator for so many election timeouts asks to be let in: it may have been counted out while it was cut off, and nobody
 * sends anything to one that is no member. Longer than an election takes, so that ordinary ones cause no questions; to a member they do no harm. One that
 * would leave gives up after as long: there is no quorum.
 */
const LOST_RATIO = 5
/** Others that do not answer a returning peer within this time are taken to know nothing against it: they may all be starting. */
const INTRODUCE_MS = 1_500
/** How many of those are asked at once when they are there: a large cluster that starts as a whole has everybody ask everybody. */
const MEET_MAX = 8

export interface CitizenshipComponents {
  readonly joining: Joining
  readonly consensus: Consensus
  readonly governor: Governor
  readonly members: Members
  readonly beacon: Beacon
  readonly worker: Worker
  readonly gateway: Gateway
  readonly serving: Serving
  readonly store: Store
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly timings: Pick<Timings, 'electionMs'>
  /** The cluster of this peer; set when it has joined one. */
  readonly cluster: { uid: ClusterUid | null }
  /** Aborted when the peer is to stop, which it may have to do before it has come in. */
  readonly stopping: AbortSignal
  /** This peer takes no new work any more, because it goes: what would not end by itself is given to others. Never rejects. */
  readonly onRefusing: () => Promise<void>
}

/** A peer's membership in its cluster: coming in, coming back, going away for a while, leaving for good. */
export class Citizenship implements Startable {
  readonly #components: CitizenshipComponents
  readonly #known: readonly PeerAddress[]
  #returning: Promise<void> | undefined
  #timer: Disposable | undefined
  /** Since when no orchestrator is known; undefined while one is. */
  #lostSinceMs: number | undefined
  #isLeaving = false
  /** Who has said, since this peer came back, that it knows of no later life of it; undefined for a peer that is new. */
  #met: Set<PeerId> | undefined
  #meeting: Promise<void> | undefined

  constructor({ known }: { known: readonly PeerAddress[] }, components: CitizenshipComponents) {
    this.#components = components
    this.#known = known
  }

  /**
   * Resolves when this peer is in a cluster: at once for one that was in one before (it looks for the others in the background), else when
   * some peer has let it in. Throws what `Joining.join` throws, and the reason of the signal.
   */
  async enter({ signal }: { signal: AbortSignal }): Promise<void> {
    const { joining, store, transport, beacon, cluster } = this.#components
    if (cluster.uid === null) {
      const joined = await joining.join({ cluster: null, known: [], signal })
      await store.setCluster(joined.cluster)
      cluster.uid = joined.cluster
      transport.setMembers(joined.members)
    } else {
      await this.#introduce(cluster.uid, signal)
      // Whoever is a member by its own log stays connected to those of that log.
      this.#comeBack(cluster.uid, this.#isMember() ? [] : this.#known)
    }
    await beacon.beat()
  }

  async start(): Promise<void> {
    const { clock, timings, stopping } = this.#components
    await this.enter({ signal: stopping })
    this.#timer ??= clock.every(timings.electionMs, () => {
      this.#look()
      this.#meet()
    })
  }

  /** Goes away for a while: work ends, the role is handed over, the others are told. The peer stays a member. */
  async stop(): Promise<void> {
    const { consensus, beacon, worker, cluster, onRefusing } = this.#components
    this.#timer?.[Symbol.dispose]()
    await this.#returning
    await this.#meeting
    if (cluster.uid === null) return
    worker.refuse()
    const over = this.#components.clock.timeout(DRAIN_MS)
    // Before the role goes to one that has not heard it: nothing must be placed here when the connections close.
    await beacon.beat({ urgent: true })
    await onRefusing()
    await this.#handOver()
    await this.#drain(over)
    if (consensus.fenced === null) await beacon.beat({ leaving: true })
  }

  /**
   * Leaves for good: when it resolves, the others count without this peer, and its data directory is empty but for its identity. Throws
   * `no_orchestrator` when none turns up who could let it go, and the reason of the signal; the peer then stays, and works on.
   */
  async leave({ signal }: { signal: AbortSignal }): Promise<void> {
    const { beacon, worker, gateway, store, clock, consensus, cluster, onRefusing } = this.#components
    this.#isLeaving = true
    await this.#returning
    worker.refuse()
    await beacon.beat({ urgent: true })
    await onRefusing()
    try {
      await this.#drain(AbortSignal.any([signal, clock.timeout(DRAIN_MS)]))
      await this.#untilReleased(signal)
    } catch (err) {
      // It stays a member, and works on.
      this.#isLeaving = false
      await worker.start()
      await gateway.start()
      await beacon.beat({ urgent: true })
      throw toCaresError(err)
    }
    await beacon.beat({ leaving: true })
    // Before anything that takes time: a heartbeat after that last word would call this peer back.
    cluster.uid = null
    await consensus.stop()
    await store.reset()
  }

  /** What runs here, what was called through here and what is answered from here may end by itself. */
  async #drain(signal: AbortSignal): Promise<void> {
    const { worker, gateway, serving, clock } = this.#components
    await Promise.all([worker.drain({ signal }), gateway.drain({ signal })])
    await untilAborted(serving.idle(), signal).catch(() => {}) // Whoever still reads then goes on elsewhere, or hears of the loss.
    await clock.sleep(FLUSH_MS)
  }

  async #untilReleased(signal: AbortSignal): Promise<void> {
    const { clock, log, consensus, timings } = this.#components
    let leaderlessSinceMs: number | undefined
    let pauseMs = LEAVE_PAUSES_MS.min
    // That its own log counts it out is not enough: the entry may be lost with the orchestrator that wrote it, and the others count on.
    while (this.#others().length > 0) {
      try {
        return await this.#askToLeave(AbortSignal.any([signal, clock.timeout(LEAVE_TRY_MS)]))
      } catch (err) {
        signal.throwIfAborted()
        leaderlessSinceMs = consensus.role.leader === null ? (leaderlessSinceMs ?? clock.nowMs()) : undefined
        if (leaderlessSinceMs !== undefined && clock.nowMs() - leaderlessSinceMs >= LOST_RATIO * timings.electionMs) throw notLetGo(err)
        if (pauseMs === LEAVE_PAUSES_MS.min) log.info({ code: toCaresError(err).code }, 'not released yet, asking again')
        await clock.sleep(pauseMs, { signal })
        pauseMs = Math.min(2 * pauseMs, LEAVE_PAUSES_MS.max)
      }
    }
  }

  async #askToLeave(signal: AbortSignal): Promise<void> {
    const { consensus, governor, transport } = this.#components
    await this.#handOver()
    const { leader, active } = consensus.role
    if (active) return governor.dismiss(transport.self, { signal })
    // A peer that is counted out hears no orchestrator any more: whoever is connected knows who it is now.
    const asked = leader ?? transport.connected()[0]
    if (asked === undefined) throw new CaresError('no_orchestrator', 'no orchestrator is known', { retryable: true })
    const request = { type: 'leave', peer: transport.self } as const
    try {
      await ask(transport, asked, request, { signal })
    } catch (err) {
      const { orchestrator } = toCaresError(err).details
      if (typeof orchestrator !== 'string' || orchestrator === transport.self) throw err
      await ask(transport, orchestrator as PeerId, request, { signal })
    }
  }

  /** Passes the role on if this peer has it and somebody can take it: the others then need no election. */
  async #handOver(): Promise<void> {
    const { consensus, members, clock } = this.#components
    const heir = consensus.configuration.voters.find(voter => voter !== consensus.self && members.stateOf(voter) === 'alive')
    if (!consensus.role.active || heir === undefined) return
    consensus.transfer(heir)
    const giveUp = clock.timeout(TRANSFER_MS)
    while (consensus.role.role === 'leader' && !giveUp.aborted) await clock.sleep(LOOK_MS)
  }

  /** Before a peer that comes back may vote, others tell whether its disk is the one that it went away with. */
  async #introduce(uid: ClusterUid, signal: AbortSignal): Promise<void> {
    const { consensus } = this.#components
    this.#met = new Set()
    await this.#introduceTo(
      this.#known.filter(({ id }) => id !== consensus.self),
      uid,
      signal
    )
    consensus.release()
  }

  async #introduceTo(others: readonly PeerAddress[], uid: ClusterUid, signal: AbortSignal): Promise<void> {
    const { joining, consensus, clock } = this.#components
    try {
      const within = AbortSignal.any([signal, clock.timeout(INTRODUCE_MS)])
      for (const peer of await joining.introduce(others, uid, { signal: within })) this.#met?.add(peer)
    } catch (err) {
      consensus.fence(toCaresError(err))
    }
  }

  /** Whoever was not there when this peer came back is asked as well, once it is: it may be the only one that knows of a later life. */
  #meet(): void {
    const { transport, members, consensus, cluster, stopping } = this.#components
    const { uid } = cluster
    const [met, known] = [this.#met, membersOf(consensus.configuration)]
    if (met === undefined || uid === null || this.#isLeaving || consensus.fenced !== null || stopping.aborted) return
    const next = transport.connected().filter(peer => known.includes(peer) && !met.has(peer))
    if (next.length === 0) return
    const others = members.addressesOf(next.slice(0, MEET_MAX))
    this.#meeting ??= this.#introduceTo(others, uid, stopping).finally(() => (this.#meeting = undefined))
  }

  /** Asks to be let in when no orchestrator has been heard for long. */
  #look(): void {
    const { consensus, clock, timings, cluster } = this.#components
    const { uid } = cluster
    if (this.#isSettled() || this.#isLeaving || consensus.fenced !== null || uid === null) {
      this.#lostSinceMs = undefined
      return
    }
    this.#lostSinceMs ??= clock.nowMs()
    // Where everybody is now, the transport knows.
    if (clock.nowMs() - this.#lostSinceMs >= LOST_RATIO * timings.electionMs) this.#comeBack(uid, [])
  }

  #comeBack(uid: ClusterUid, known: readonly PeerAddress[]): void {
    this.#returning ??= this.#return(uid, known).finally(() => (this.#returning = undefined))
  }

  /** Finds the others, in the background. Ends when the log has a leader that counts this peer in, or when it has been let in anew. */
  async #return(uid: ClusterUid, known: readonly PeerAddress[]): Promise<void> {
    const { joining, consensus, clock, log, stopping } = this.#components
    if (consensus.fenced !== null || (this.#isMember() && this.#others().length === 0)) return
    const settled = new AbortController()
    using _ = clock.every(LOOK_MS, () => {
      if (this.#isSettled() || this.#isLeaving || consensus.fenced !== null) settled.abort()
    })
    try {
      await joining.join({ cluster: uid, known, signal: AbortSignal.any([stopping, settled.signal]) })
    } catch (err) {
      if (settled.signal.aborted || stopping.aborted) return
      // Asking again does not cure it.
      this.#timer?.[Symbol.dispose]()
      log.error({ err }, 'this peer cannot come back to its cluster')
    }
  }

  #isSettled(): boolean {
    return this.#isMember() && this.#components.consensus.role.leader !== null
  }

  #isMember(): boolean {
    const { consensus } = this.#components
    return membersOf(consensus.configuration).includes(consensus.self)
  }

  #others(): readonly PeerId[] {
    const { consensus } = this.#components
    return membersOf(consensus.configuration).filter(peer => peer !== consensus.self)
  }
}

function notLetGo(cause: unknown): CaresError {
  return new CaresError('no_orchestrator', 'the cluster has no orchestrator, so nobody can let this peer go', {
    retryable: true,
    hint: 'stop its process; once there is an orchestrator, from another peer: cares leave PEER',
    cause
  })
}
