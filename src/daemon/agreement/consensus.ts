import * as raft from '../../core/consensus/raft.ts'
import {
  configurationOf,
  describeSnapshot,
  heirOf,
  hasQuorumContact,
  isActiveLeader,
  nextDeadlineMs,
  type RaftState
} from '../../core/consensus/state.ts'
import { lastIndex } from '../../core/consensus/log.ts'
import type { Effect, Step } from '../../core/consensus/effects.ts'
import type { Command } from '../../model/command.ts'
import type { Configuration, ConsensusMessage, Entry, SnapshotChunk } from '../../model/consensus.ts'
import { assertNever, CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import type { Timings } from '../../model/presets.ts'
import { AppliedTables } from './applied-tables.ts'
import { type ConsensusComponents, type ConsensusInit, type ConsensusRoleNow, RETENTION } from './consensus-init.ts'
import { ConsensusMail } from './consensus-mail.ts'
import { DeadlineAlarm } from '../deadline-alarm.ts'
import { LogCutter } from './log-cut.ts'
import { OutgoingSnapshots } from './outgoing-snapshots.ts'
import { type MemberChange, memberChange, type MemberChangeWish } from './member-change.ts'
import { type Committed, fencedRefusal, lostRole, Proposals } from './proposals.ts'
import { Reads } from './reads.ts'
import { graceMs, readSockets } from './starvation-guard.ts'

/** Messages that wait while the disk is busy: more than a healthy cluster sends in a second. Over it they are dropped, as by a network. */
const INPUTS_MAX = 10_000
type Input = Pick<MemberChange, 'take' | 'drop'>

/**
 * Drives the Raft core of this peer: the one place where its timer, its disk and its messages meet.
 *
 * Inputs queue up and are taken one after the other. The effects of each are carried out in the order given (persist, send, apply) before
 * the next is looked at: so nothing is promised to anyone that is not on the disk.
 */
export class Consensus implements Startable {
  readonly #components: ConsensusComponents
  readonly #timings: Timings
  readonly #inputs: Input[] = []
  readonly #proposals = new Proposals()
  readonly #reads = new Reads(take => this.#enqueue(take))
  readonly #mail: ConsensusMail
  readonly #applied: AppliedTables
  readonly #snapshots: OutgoingSnapshots
  #state: RaftState
  readonly #cutter: LogCutter
  #role: ConsensusRoleNow = { role: 'follower', leader: null, term: 0, active: false }
  #isDraining = false
  #drained: Promise<void> = Promise.resolve()
  readonly #alarm: DeadlineAlarm
  #fenced: CaresError | null = null
  /** Neither votes nor campaigns yet: see {@link Consensus.release}. */
  #isHeld: boolean
  #stopped = true
  constructor(init: ConsensusInit, components: ConsensusComponents) {
    const { self, timings, persisted } = init
    this.#components = components
    this.#timings = timings
    const retention = { ...RETENTION, ...init.retention }
    this.#mail = new ConsensusMail(components)
    this.#applied = new AppliedTables(persisted, { ...components, onDue: () => this.#enqueue(state => ({ state, effects: [] })) })
    this.#snapshots = new OutgoingSnapshots(retention.chunkBytes, {
      ...components,
      onDiskFailed: err => (this.#stopped ? undefined : this.fence(err))
    })
    this.#isHeld = init.isHeld ?? false
    this.#state = raft.createRaft({
      self,
      timings,
      persisted,
      random: components.random,
      nowMs: components.clock.nowMs(),
      rankSlot: init.rankSlot ?? 0
    })
    this.#cutter = new LogCutter(this.#state.log, persisted.appliedIndex, retention)
    this.#alarm = new DeadlineAlarm({
      clock: components.clock,
      deadlineMs: () => (this.#isHeld ? Number.POSITIVE_INFINITY : nextDeadlineMs(this.#state)),
      onDeadline: ({ hasStarved }) => void this.#tick(hasStarved)
    })
  }

  async start(): Promise<void> {
    if (!this.#stopped) return
    this.#stopped = false
    this.#alarm.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#alarm.stop()
    const reason = new CaresError('stopping', 'this peer is stopping', { retryable: true })
    for (const { drop } of this.#inputs.splice(0)) drop(reason)
    await this.#drained
    this.#applied.stop()
    for (const waiting of [this.#proposals, this.#reads]) waiting.rejectAll(reason)
  }

  get self(): PeerId {
    return this.#state.self
  }

  get tables(): RegistryTables {
    return this.#applied.tables
  }

  get role(): ConsensusRoleNow {
    return this.#role
  }

  get term(): Term {
    return this.#state.term
  }

  get configuration(): Configuration {
    return configurationOf(this.#state)
  }

  get indices(): { readonly last: number; readonly commit: number; readonly applied: number } {
    return { last: lastIndex(this.#state.log), commit: this.#state.commitIndex, applied: this.#applied.index }
  }

  get fenced(): CaresError | null {
    return this.#fenced
  }

  /** The newest version of the commands in the log, those that are not agreed yet included: what a member must read. */
  get commandVersion(): number {
    return Math.max(this.tables.commandVersion ?? 1, this.#proposals.commandVersion)
  }

  /** Leader: the highest log index known to be on each other member's disk. */
  get matches(): ReadonlyMap<PeerId, number> {
    return new Map(this.#state.progress.map(({ peer, match }) => [peer, match]))
  }

  /** Milliseconds since the last consensus message of a peer; 0 for this peer, Infinity for one never heard. */
  silentMs(peer: PeerId): number {
    return peer === this.#state.self ? 0 : this.#mail.silentMs(peer)
  }

  /** Whether this peer leads and a majority has answered it lately. */
  hasQuorum(): boolean {
    return this.#state.role === 'leader' && hasQuorumContact(this.#state, this.#components.clock.nowMs())
  }

  /** A message from another peer. Never throws: what contradicts the protocol is logged and dropped. */
  receive(from: PeerId, message: ConsensusMessage): void {
    if (!this.#mail.accepts(from, message) || this.#inputs.length >= INPUTS_MAX) return
    if (this.#isHeld && (message.type === 'vote-request' || message.type === 'timeout-now')) return
    const take = (): void => this.#enqueue((state, nowMs) => raft.receive(state, from, message, nowMs))
    // A voter that got no processor time cannot know whether its leader is silent: the leader's messages may be waiting behind this question.
    if (message.type === 'vote-request' && this.#alarm.hasStarved) void readSockets(this.#components.clock).then(take)
    else take()
  }

  /** Lets a peer that was held take part in elections, once the others have confirmed that its disk is not that of an earlier life. */
  release(): void {
    this.#isHeld = false
    this.#alarm.set()
  }

  /** The last connection to a peer has closed: if it led, an election is due soon. */
  disconnected(peer: PeerId): void {
    this.#enqueue((state, nowMs) => raft.leaderLost(state, peer, nowMs))
  }

  /**
   * Has the cluster agree on a command, in this very term if one is given; resolves once it is applied here. Throws `not_orchestrator` on other peers,
   * `no_quorum`, `no_orchestrator` (the role was lost: whether the command counts is unknown, ask again), `overloaded`, `too_large`, `incompatible` (a member
   * cannot read it).
   */
  async propose(command: Command, { term, signal }: { term?: Term | undefined; signal: AbortSignal }): Promise<Committed> {
    this.#assertTakingPart()
    const { codec, newVersionRefusal } = this.#components
    const committed = this.#proposals.add(codec.encode(command), { version: this.#applied.versionOf(command), term, signal })
    const refusalOf = (version: number): CaresError | null =>
      version <= this.commandVersion ? null : (newVersionRefusal?.(version) ?? null)
    this.#enqueue((state, nowMs) => this.#proposals.append(state, nowMs, raft.propose, refusalOf))
    return committed
  }

  /** How far the log must be applied for tables to hold all that was agreed before this was called. Throws as {@link Consensus.propose}. */
  async readIndex({ signal }: { signal: AbortSignal }): Promise<number> {
    this.#assertTakingPart()
    return this.#reads.ask({ signal })
  }

  /** Changes the members from what they were `from`. Resolves when that is appended, which is when it counts; throws `conflict` and what the wish says. */
  async reconfigure(configuration: Configuration, wish: MemberChangeWish): Promise<void> {
    this.#assertTakingPart()
    const { take, drop, settled } = memberChange(configuration, wish)
    this.#enqueue(take, drop)
    await settled
  }

  /** Asks another voter to take the lead. Whether it did shows in the role. */
  transfer(to: PeerId): void {
    this.#enqueue((state, nowMs) => raft.transfer(state, to, nowMs))
  }

  /** Resolves once the tables here include the log up to `index`. */
  async applied(index: number, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#applied.reached(index, { signal })
  }

  #assertTakingPart(): void {
    if (this.#fenced !== null) throw fencedRefusal(this.#fenced)
    if (this.#stopped) throw new CaresError('stopping', 'this peer is stopping', { retryable: true })
  }

  async #tick(hasStarved: boolean): Promise<void> {
    const { clock, random } = this.#components
    // A leader's heartbeats are late enough: what it may not believe yet is put off below.
    if (this.#state.role !== 'leader') await readSockets(clock)
    if (hasStarved) {
      const extraMs = graceMs(this.#timings.electionMs, random)
      this.#enqueue((state, now) => (now < nextDeadlineMs(state) ? { state, effects: [] } : raft.extendDeadline(state, now, extraMs)))
    }
    this.#enqueue((state, now) => raft.tick(state, now))
  }

  /** @param drop - called instead if the input will never be taken, or is refused as it stands */
  #enqueue(take: Input['take'], drop: Input['drop'] = () => {}): void {
    if (this.#stopped || this.#fenced !== null) return
    this.#inputs.push({ take, drop })
    if (this.#isDraining) return
    this.#isDraining = true
    this.#drained = this.#drain()
  }

  async #drain(): Promise<void> {
    const { clock, log } = this.#components
    try {
      for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
        let step: Step
        try {
          step = input.take(this.#state, clock.nowMs())
        } catch (err) {
          if (toCaresError(err).details['outdated'] === true) this.fence(toCaresError(err))
          else log.warn({ err }, 'input to consensus refused')
          input.drop(toCaresError(err))
          continue
        }
        this.#state = step.state
        for (const effect of step.effects) {
          if (this.#fenced !== null) return
          await this.#carryOut(effect)
        }
        this.#reads.onStep(this.#state)
        await this.#compact()
        await this.#applied.flushIfDue()
      }
    } catch (err) {
      this.fence(toCaresError(err))
    } finally {
      // In the same turn in which the queue was found empty: an input that comes a moment later starts anew.
      this.#isDraining = false
      this.#alarm.set()
    }
  }

  /** Ends this peer's part in consensus: one that cannot write what it promises, or does not hold what was agreed, must promise nothing more. */
  fence(reason: CaresError): void {
    if (this.#fenced !== null) return
    this.#fenced = reason
    // The voter that has most of the log is asked to campaign at once, so that nobody has to wait for the silence of a leader that cannot go on.
    const heir = heirOf(this.#state)
    if (heir !== undefined) this.#mail.send(heir, { type: 'timeout-now', term: this.#state.term })
    const refusal = fencedRefusal(reason)
    for (const { drop } of this.#inputs.splice(0)) drop(refusal)
    this.#alarm.stop()
    this.#components.log.error({ err: reason }, 'peer takes no part in consensus any more')
    for (const waiting of [this.#proposals, this.#reads]) waiting.rejectAll(refusal)
    this.#setRole({ role: 'follower', leader: null, term: this.#state.term, active: false })
    this.#components.listener.onFenced(reason)
  }

  async #carryOut(effect: Effect): Promise<void> {
    const { store, listener } = this.#components
    switch (effect.type) {
      case 'persist':
        return store.persist(effect.batch)
      case 'stage':
        return store.stage(effect.chunk)
      case 'restore': {
        await this.#applied.restore(effect.snapshot)
        listener.onTables(this.tables, [])
        return
      }
      case 'send':
        return this.#mail.send(effect.to, effect.message)
      case 'send-snapshot':
        return this.#sendSnapshot(effect)
      case 'apply':
        return this.#apply(effect.entries)
      case 'configuration-changed':
        return listener.onConfiguration(effect.configuration)
      case 'role-changed':
        if (effect.role !== 'leader') for (const waiting of [this.#proposals, this.#reads]) waiting.rejectAll(lostRole())
        return this.#setRole(effect)
      default:
        return assertNever(effect)
    }
  }

  #sendSnapshot({ to, term, round, at }: Extract<Effect, { type: 'send-snapshot' }>): void {
    const deliver = (chunk: SnapshotChunk): void => {
      if (!this.#stopped && this.#fenced === null) this.#mail.send(to, { type: 'snapshot-request', term, round, ...chunk })
    }
    const log = { logStart: this.#state.log.snapshot.index, describe: () => describeSnapshot(this.#state, this.#applied.index) }
    this.#snapshots.chunk({ to, at, deliver }, log)
  }

  #apply(entries: readonly Entry[]): void {
    this.#cutter.applied(entries)
    const applied = this.#applied.apply(entries)
    if (applied.length > 0) this.#components.listener.onTables(this.tables, applied)
    for (const committed of applied) this.#proposals.applied(committed)
  }

  async #compact(): Promise<void> {
    if (!this.#state.progress.some(({ mode }) => mode === 'snapshot')) this.#snapshots.forget()
    const appliedIndex = this.#applied.index
    const index = this.#cutter.dueIndex(this.#state.log, appliedIndex)
    const snapshot = index === undefined ? undefined : describeSnapshot(this.#state, index)
    if (snapshot === undefined) return
    await this.#components.store.compact(snapshot)
    this.#state = raft.compacted(this.#state, snapshot).state
    this.#cutter.cut(this.#state.log, appliedIndex)
  }

  #setRole({ role, leader, term, active }: ConsensusRoleNow): void {
    this.#role = { role, leader, term, active: active && isActiveLeader(this.#state) }
    this.#components.listener.onRole(this.#role)
  }
}
