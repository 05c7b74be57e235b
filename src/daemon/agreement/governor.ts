import { membersOf } from '../../core/consensus/log.ts'
import { nextLeader } from '../../core/consensus/succession.ts'
import { type MemberHealth, nextVoterChange, type Standing } from '../../core/consensus/voters.ts'
import type { Configuration } from '../../model/consensus.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Timings } from '../../model/presets.ts'
import { memberRefusal, newVersionRefusal } from './command-readers.ts'
import type { Members } from '../members/members.ts'
import type { Consensus } from './consensus.ts'
import { noQuorum, removalRefusal } from './removal-refusal.ts'
import type { MemberChangeWish } from './member-change.ts'

/** How often the orchestrator reviews who votes. */
const REVIEW_MS = 250
/** Peers with the same value of this label share their fate (`--label zone=rack-1`): voters are spread over its values. */
const DOMAIN_LABEL = 'zone'
/** Label that says whether a peer should vote and lead before others (`--label control=preferred`) or after them (`reluctant`). */
const STANDING_LABEL = 'control'
const RANK_SLOTS: Readonly<Record<Standing, number>> = { preferred: 0, ordinary: 0, reluctant: 3 }
/** Pause before a change of members is tried again that had to wait for the one before it. */
const CHANGE_RETRY_MS = 50

export interface GovernorComponents {
  readonly consensus: Consensus
  readonly clock: Clock
  readonly log: Logger
  readonly members: Pick<Members, 'views' | 'nameOf'>
  readonly timings: Timings
}

/** What the orchestrator does about members: lets peers in and out, and keeps the right number of voters. Idle on other peers. */
export class Governor implements Startable {
  readonly #components: GovernorComponents
  readonly #health = new Map<PeerId, { state: MemberHealth['state']; sinceMs: number }>()
  readonly #leaving = new Set<PeerId>()
  /** Since when this peer leads; null while it does not. */
  #leadsSinceMs: number | null = null
  #askedAtMs = Number.NEGATIVE_INFINITY
  #timer: Disposable | undefined

  constructor(components: GovernorComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(REVIEW_MS, async () => this.#review())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /**
   * Makes a peer that reads commands up to a version a member. Resolves when that counts; a member is welcome again. Throws `not_orchestrator`,
   * `timeout`, `incompatible`.
   */
  async admit(peer: PeerId, reads: number, { signal }: { signal: AbortSignal }): Promise<void> {
    const { consensus } = this.#components
    this.#leaving.delete(peer)
    await this.#change(
      ({ voters, learners }) => ({ voters, learners: [...learners, peer] }),
      configuration => membersOf(configuration).includes(peer),
      { refusal: () => memberRefusal(reads, consensus.commandVersion), signal }
    )
  }

  /** Why a command of a version that the log does not have yet may not come into it now: somebody who must read it cannot. Null when it may. */
  newVersionRefusal(version: number): CaresError | null {
    const { consensus, clock, members, timings } = this.#components
    const { voters, learners } = consensus.configuration
    const there = new Set(members.views().flatMap(({ profile, state }) => (state === 'gone' ? [] : [profile.id])))
    // One that has just come in may not have been heard yet. One that stays away stops when it comes back, and says why.
    const isAway = (peer: PeerId): boolean => {
      const health = this.#health.get(peer)
      return health?.state === 'gone' && clock.nowMs() - health.sinceMs >= timings.goneAfterMs
    }
    const readers = [...voters, ...learners.filter(peer => there.has(peer) || !isAway(peer))]
    return newVersionRefusal(version, readers, members)
  }

  /**
   * Removes another peer for good because its operator says so; resolves with whether it was a member. With `force` also one that is not gone: if it
   * runs on, it comes back by itself. Throws `conflict` for one that should leave by itself, `no_quorum`, `not_orchestrator`, `timeout`.
   */
  async remove(peer: PeerId, { force, signal }: { force: boolean; signal: AbortSignal }): Promise<boolean> {
    const { consensus, members } = this.#components
    this.#assertActive()
    if (!membersOf(consensus.configuration).includes(peer)) return false
    const view = members.views().find(({ profile }) => profile.id === peer)
    const refusal = removalRefusal({ isSelf: peer === this.#self, force, view, name: members.nameOf(peer) })
    if (refusal !== null) throw refusal
    if (!consensus.hasQuorum()) throw noQuorum()
    await this.dismiss(peer, { signal })
    return true
  }

  /** Removes a peer for good, step by step so that the quorum never suffers. Resolves when it is no member any more. */
  async dismiss(peer: PeerId, { signal }: { signal: AbortSignal }): Promise<void> {
    const { consensus, clock } = this.#components
    const isGone = (now: Configuration): boolean => !membersOf(now).includes(peer)
    while (!(await this.#isAgreed(isGone, signal))) {
      this.#assertActive()
      const { voters, learners } = consensus.configuration
      if (voters.length === 1 && learners.length === 0) return // The last member takes the cluster with it.
      this.#leaving.add(peer)
      await this.#review()
      await clock.sleep(CHANGE_RETRY_MS, { signal })
    }
    this.#leaving.delete(peer)
  }

  /**
   * Whether the members are agreed to be so; waits until they are agreed as they stand. A change that only its leader knows is lost with it, and
   * another entry may be agreed in its place: so it is looked at again after the wait, by one that leads still.
   */
  async #isAgreed(isDone: (now: Configuration) => boolean, signal: AbortSignal): Promise<boolean> {
    const { consensus } = this.#components
    if (!isDone(consensus.configuration)) return false
    await consensus.applied(consensus.indices.last, { signal })
    this.#assertActive()
    return isDone(consensus.configuration)
  }

  #assertActive(): void {
    const { active, leader } = this.#components.consensus.role
    if (!active)
      throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', { retryable: true, details: { orchestrator: leader } })
  }

  async #change(
    next: (now: Configuration) => Configuration,
    isDone: (now: Configuration) => boolean,
    { refusal, signal }: Pick<MemberChangeWish, 'refusal'> & { signal: AbortSignal }
  ): Promise<void> {
    const { consensus, clock } = this.#components
    while (!(await this.#isAgreed(isDone, signal))) {
      this.#assertActive()
      try {
        const from = consensus.configuration
        await consensus.reconfigure(next(from), { from, refusal })
      } catch (err) {
        if (toCaresError(err).code !== 'conflict') throw err
        await clock.sleep(CHANGE_RETRY_MS, { signal })
      }
    }
  }

  async #review(): Promise<void> {
    const { consensus, clock, log, members, timings } = this.#components
    if (!consensus.role.active) {
      this.#health.clear()
      // Whoever leads now is asked anew: a wish that outlived a term could remove a peer that has come back since.
      this.#leaving.clear()
      this.#leadsSinceMs = null
      return
    }
    const nowMs = clock.nowMs()
    const sinceMs = (this.#leadsSinceMs ??= nowMs)
    const { configuration, matches, indices } = consensus
    const health = new Map<PeerId, MemberHealth>()
    const found = (peer: PeerId, current: MemberHealth['state']): Pick<MemberHealth, 'state' | 'sinceMs'> => {
      const known = this.#health.get(peer)
      const entry = known?.state === current ? known : { state: current, sinceMs: nowMs }
      this.#health.set(peer, entry)
      return entry
    }
    for (const { profile, stats, state } of members.views()) {
      // One that gossips but does not take part (its disk failed) is of no use as a voter.
      const isMute = stats.fenced === true || (profile.id !== this.#self && consensus.silentMs(profile.id) >= timings.goneAfterMs)
      const lag = profile.id === this.#self ? 0 : indices.last - (matches.get(profile.id) ?? 0)
      const entry = found(profile.id, isMute ? 'gone' : state === 'draining' ? 'alive' : state)
      health.set(profile.id, { ...entry, lag, domain: profile.labels[DOMAIN_LABEL], standing: standingOf(profile) })
    }
    // Of a member that died before this peer had started nobody may ever tell: it is silent for as long as this peer has led, and it was a member.
    for (const peer of membersOf(configuration)) if (!health.has(peer)) health.set(peer, { ...found(peer, 'gone'), lag: indices.last })
    for (const peer of this.#health.keys()) if (!health.has(peer)) this.#health.delete(peer)
    const change = nextVoterChange({ self: this.#self, configuration, health, leaving: this.#leaving, timings, nowMs })
    if (change === null) {
      const draining = new Set(members.views().flatMap(({ profile, stats }) => (stats.draining ? [profile.id] : [])))
      const succession = nextLeader({ self: this.#self, configuration, health, draining, sinceMs, askedAtMs: this.#askedAtMs, nowMs })
      if (succession === null) return
      this.#askedAtMs = nowMs
      log.info({ to: succession.to, reason: succession.reason }, 'role of orchestrator offered')
      consensus.transfer(succession.to)
      return
    }
    try {
      await consensus.reconfigure(change.configuration, { from: configuration })
      log.info({ peer: change.peer, change: change.type, reason: change.reason }, 'members changed')
    } catch (err) {
      log.debug({ err, peer: change.peer, change: change.type }, 'change of members refused for now')
    }
  }

  get #self(): PeerId {
    return this.#components.consensus.self
  }
}

/** How many slots later than others this peer campaigns: one that would rather not lead gives them a head start. */
export function rankSlotOf(profile: Pick<PeerProfile, 'labels'>): number {
  return RANK_SLOTS[standingOf(profile)]
}

/** What an operator says of a peer by its label; anything else is `ordinary`. */
function standingOf({ labels }: Pick<PeerProfile, 'labels'>): Standing {
  const label = labels[STANDING_LABEL]
  return label === 'preferred' || label === 'reluctant' ? label : 'ordinary'
}
