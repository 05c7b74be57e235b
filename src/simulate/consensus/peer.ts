import { compacted, createRaft, extendDeadline, receive, tick } from '../../core/consensus/raft.ts'
import { configurationOf, describeSnapshot, isVoter, nextDeadlineMs, type RaftState } from '../../core/consensus/state.ts'
import type { Effect, Step } from '../../core/consensus/effects.ts'
import type { ConsensusMessage } from '../../model/consensus.ts'
import { assertNever } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { SimulatedDisk } from '../disk.ts'
import type { World } from '../world.ts'
import type { Coverage } from './coverage.ts'
import { type DiskImage, stagedOf, writeBatch, writeCompact, writeRestore, writeStage } from './disk-image.ts'
import { type Knobs, TIMINGS } from './knobs.ts'
import { applyEntry, decodeCommand, EMPTY_MACHINE, type Machine } from './machine.ts'
import { OutgoingSnapshot } from './outgoing-snapshot.ts'
import { PendingReads } from './pending-reads.ts'
import type { PromiseMonitor } from './promises.ts'
import type { SafetyMonitor } from './safety.ts'

/** What a peer needs around it. */
export interface PeerComponents {
  readonly world: World
  readonly knobs: Knobs
  readonly safety: SafetyMonitor
  readonly promises: PromiseMonitor
  readonly coverage: Coverage
  readonly send: (from: PeerId, to: PeerId, message: ConsensusMessage) => void
  /** The peer has crashed: others may notice. */
  readonly onCrash: (peer: SimulatedPeer) => void
  /** Whether faults are still on: peers are unlucky, and timeouts follow the knobs. */
  readonly isChaos: () => boolean
}

/** A timer that fires later than this, on the peer's own clock, makes a guarded peer doubt its own punctuality. */
const LATE_MS = 60
/** Loading a snapshot takes up to this. */
const LOAD_MS_MAX = 30

/**
 * One peer: the production core, driven as `daemon/` drives it, on a simulated disk and with a clock of its own. While a write is on its way
 * to the disk the core goes on, and its effects queue up behind: the hardest driver that keeps the order of effects.
 */
export class SimulatedPeer {
  readonly id: PeerId
  readonly image: DiskImage
  state: RaftState
  machine: Machine = EMPTY_MACHINE
  isUp = false
  /** Proposals that wait to be applied: by index, the term and command that they were appended as. */
  readonly pending = new Map<number, { readonly term: number; readonly command: number }>()
  readonly reads = new PendingReads()
  /** When this peer began to lead, or last changed the members: check-quorum gives everybody time from then on. */
  changedAtMs = 0
  /** When a message of each peer was last heard, on this peer's clock. */
  readonly heardAtMs = new Map<PeerId, number>()
  readonly #components: PeerComponents
  readonly #disk: SimulatedDisk
  readonly #clockRate: number
  readonly #clockOffsetMs: number
  #isPaused = false
  #inbox: (() => void)[] = []
  /** What is still to be carried out, from `#nextEffect` on. */
  #effects: Effect[] = []
  #nextEffect = 0
  /** As a leader: the snapshot that it last began to send. */
  #outgoing: OutgoingSnapshot
  /** Bytes of a snapshot that an earlier life has left on the disk. */
  #resumable = 0
  #isWriting = false
  /** Rises with each crash: what an earlier life has set up must not reach a later one. */
  #life = 0
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(id: PeerId, image: DiskImage, components: PeerComponents) {
    const { world, knobs } = components
    this.id = id
    this.image = image
    this.#components = components
    this.#disk = new SimulatedDisk(world, knobs)
    this.#clockRate = 1 + (world.random() * 2 - 1) * knobs.clockDriftRatio
    this.#clockOffsetMs = world.random() * 1e6
    this.#outgoing = new OutgoingSnapshot(knobs)
    this.state = this.#createState()
  }

  /** This peer's monotonic clock. */
  nowMs(): number {
    return this.#clockOffsetMs + this.#components.world.nowMs * this.#clockRate
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  boot(): void {
    if (this.isUp) return
    this.isUp = true
    this.#life += 1
    this.#isPaused = false
    if (!this.#components.knobs.areTablesDurable) this.image.machine = this.image.snapshotMachine
    this.machine = this.image.machine
    this.state = this.#createState()
    this.#outgoing = new OutgoingSnapshot(this.#components.knobs)
    this.#resumable = this.image.staged?.bytes.length ?? 0
    this.#components.promises.onBoot(this.state, this.image)
    this.#components.world.trace(() => `${this.id} boots in term ${this.state.term} with ${this.image.entries.length} entries`)
    this.#armTimer()
  }

  /** The process dies; a write in flight is kept or lost by chance. */
  crash(): void {
    if (!this.isUp) return
    this.#components.coverage.crashes += 1
    this.#components.world.trace(() => `${this.id} crashes as ${this.state.role}`)
    this.isUp = false
    this.#life += 1
    this.#disk.fail()
    this.#isWriting = false
    this.#effects = []
    this.#nextEffect = 0
    this.#inbox = []
    this.#timerAtMs = Number.POSITIVE_INFINITY
    this.pending.clear()
    this.reads.clear()
    this.heardAtMs.clear()
    this.#components.onCrash(this)
  }

  /** The process stands still (SIGSTOP, a suspended machine); what reaches it waits. Writes that were begun still end. */
  pause(): void {
    if (!this.isUp || this.#isPaused) return
    this.#components.coverage.pauses += 1
    this.#components.world.trace(() => `${this.id} pauses as ${this.state.role}`)
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#components.world.trace(() => `${this.id} resumes`)
    const waiting = this.#inbox
    this.#inbox = []
    for (const task of waiting) this.run(task)
  }

  deliver(from: PeerId, message: ConsensusMessage): void {
    this.run(() => {
      const nowMs = this.nowMs()
      this.heardAtMs.set(from, nowMs)
      this.take(receive(this.state, from, message, nowMs))
    })
  }

  /** Runs `task` now, or when the peer resumes; not at all if it is down, or crashes before. */
  run(task: () => void): void {
    if (!this.isUp) return
    if (this.#isPaused) this.#inbox.push(task)
    else task()
  }

  /** Takes over what the core made of its state and one input. */
  take<Outcome extends Step>(outcome: Outcome): Outcome {
    const before = this.state
    this.state = outcome.state
    this.#observe(before, outcome.state)
    this.reads.onStep(this.state, this.#components)
    for (const effect of outcome.effects) {
      if (effect.type === 'send' && effect.message.type === 'timeout-now') this.#components.promises.onHandOver(outcome.state, effect.to)
      this.#effects.push(effect)
    }
    this.#carryOut()
    this.#armTimer()
    return outcome
  }

  #createState(): RaftState {
    const { world, knobs, isChaos } = this.#components
    const { hardState, snapshot, entries, machine } = this.image
    return createRaft({
      self: this.id,
      timings: TIMINGS,
      limits: { appendEntriesMax: knobs.appendEntriesMax, appendBytesMax: knobs.appendBytesMax },
      preVote: knobs.preVote,
      persisted: { hardState, snapshot, entries: [...entries], appliedIndex: machine.appliedIndex, staged: stagedOf(this.image) },
      random: () => world.random() * (isChaos() ? knobs.jitterRatio : 1),
      nowMs: this.nowMs()
    })
  }

  #observe(before: RaftState, after: RaftState): void {
    const { safety, coverage, world } = this.#components
    if (after.role === 'leader' && (before.role !== 'leader' || before.term !== after.term)) {
      coverage.elections += 1
    }
    safety.onStep(before, after)
    const isDeposed = before.role === 'leader' && after.role !== 'leader' && before.term === after.term
    if (isDeposed && isVoter(after)) coverage.quorumStepDowns += 1
    if (before.role !== after.role || configurationOf(before) !== configurationOf(after)) this.changedAtMs = this.nowMs()
    if (before.role !== after.role || before.term !== after.term) {
      world.trace(() => `${this.id} is ${after.role} in term ${after.term}, following ${after.leader ?? 'nobody'}`)
    }
  }

  #carryOut(): void {
    while (!this.#isWriting && this.isUp) {
      const effect = this.#effects[this.#nextEffect]
      if (effect === undefined) break
      this.#nextEffect += 1
      this.#perform(effect)
    }
    if (this.#nextEffect < this.#effects.length) return
    this.#effects = []
    this.#nextEffect = 0
  }

  #perform(effect: Effect): void {
    const { safety, promises, coverage, send } = this.#components
    switch (effect.type) {
      case 'persist': {
        const { batch } = effect
        if (batch.truncateFrom !== undefined) coverage.truncations += 1
        this.#write(
          () => {
            safety.onPersist(this.id, this.image, batch)
            writeBatch(this.image, batch)
          },
          batch.hardState === undefined ? 'entries' : 'promise'
        )
        return
      }
      case 'stage':
        if (effect.chunk.offset > 0 && effect.chunk.offset === this.#resumable) coverage.snapshotsResumed += 1
        this.#write(() => writeStage(this.image, effect.chunk), 'entries')
        return
      case 'restore':
        coverage.snapshotsRestored += 1
        this.#write(() => {
          writeRestore(this.image, effect.snapshot)
          this.machine = this.image.machine
          safety.onRestore(this.id, this.machine)
        }, 'entries')
        return
      case 'send':
        promises.onSend(this.id, effect.to, effect.message, this.image)
        send(this.id, effect.to, effect.message)
        return
      case 'send-snapshot':
        this.#sendSnapshot(effect)
        return
      case 'apply':
        this.#apply(effect)
        return
      case 'configuration-changed':
        this.#components.world.trace(() => `${this.id} has voters ${effect.configuration.voters.join()} by entry ${effect.index}`)
        return
      case 'role-changed':
        // Only now its term is on disk: a leader that crashed before was none, and another may lead in the same term.
        if (effect.role === 'leader') {
          safety.onElected(this.id, effect.term, this.state)
          promises.onElected(this.id, effect.term, this.state)
        }
        return
      default:
        return assertNever(effect)
    }
  }

  #write(write: () => void, kind: 'promise' | 'entries'): void {
    const { world, knobs, coverage, isChaos } = this.#components
    const wasLeader = this.state.role === 'leader'
    this.#isWriting = true
    this.#disk.write(write, () => {
      this.#isWriting = false
      if (isChaos() && world.chance(knobs.dieAfterPersistRatio)) {
        if (wasLeader) coverage.leaderDiedAfterPersist += 1
        else if (kind === 'promise') coverage.voterDiedAfterPersist += 1
        this.crash()
      } else {
        this.run(() => this.#carryOut())
      }
    })
  }

  #apply({ entries }: Extract<Effect, { type: 'apply' }>): void {
    const { safety, coverage, knobs } = this.#components
    for (const entry of entries) {
      const before = this.machine
      this.machine = applyEntry(before, entry)
      safety.onApply(this.id, entry, this.machine, before, this.state.term)
      const proposal = this.pending.get(entry.index)
      this.pending.delete(entry.index)
      if (proposal?.term === entry.term && entry.kind === 'command' && decodeCommand(entry.command) === proposal.command) {
        coverage.acknowledged += 1
        safety.onAcknowledge(proposal.command, entry.index)
      }
    }
    this.image.machine = this.machine
    if (this.machine.appliedIndex - this.image.snapshot.index > knobs.compactAfterEntries + knobs.trailingEntries) this.#compact()
  }

  #compact(): void {
    const { knobs, safety, coverage } = this.#components
    const index = this.machine.appliedIndex - knobs.trailingEntries
    const snapshot = describeSnapshot(this.state, index)
    const machine = safety.machineAt(index)
    // A restore that waits for the disk has already replaced the log.
    if (snapshot === undefined || machine === undefined || index <= this.image.snapshot.index) return
    coverage.compactions += 1
    writeCompact(this.image, snapshot, machine)
    this.state = compacted(this.state, snapshot).state
  }

  #sendSnapshot({ to, term, round, at }: Extract<Effect, { type: 'send-snapshot' }>): void {
    const { world, coverage, send } = this.#components
    coverage.snapshotsSent += 1
    const life = this.#life
    world.after(world.random() * LOAD_MS_MAX, () => {
      if (this.#life !== life) return
      this.run(() => {
        const part = this.#outgoing.chunk(this.state, this.machine, at)
        if (part === undefined) return
        send(this.id, to, { type: 'snapshot-request', term, round, ...part })
      })
    })
  }

  #armTimer(): void {
    const { world } = this.#components
    const dueMs = (nextDeadlineMs(this.state) - this.#clockOffsetMs) / this.#clockRate
    // An earlier timer that is already set will look again.
    if (!this.isUp || dueMs >= this.#timerAtMs) return
    this.#timerAtMs = dueMs
    const life = this.#life
    world.at(dueMs, () => {
      if (this.#life !== life || this.#timerAtMs !== dueMs) return
      this.#timerAtMs = Number.POSITIVE_INFINITY
      this.run(() => this.#onTimer())
    })
  }

  #onTimer(): void {
    const { knobs, world, coverage } = this.#components
    // The division above may have rounded the due time down.
    const nowMs = Math.max(this.nowMs(), this.nowMs() + 1e-6)
    if (knobs.isGuarded && nowMs - nextDeadlineMs(this.state) > LATE_MS) {
      coverage.extensions += 1
      this.take(extendDeadline(this.state, nowMs, TIMINGS.electionMs * world.between(0.6, 1.2)))
    }
    this.take(tick(this.state, nowMs))
  }
}
