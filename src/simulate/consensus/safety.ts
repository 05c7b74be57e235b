import { entryAt, newestConfiguration } from '../../core/consensus/log.ts'
import { majority } from '../../core/consensus/quorum.ts'
import { configurationOf, isActiveLeader, type RaftState } from '../../core/consensus/state.ts'
import type { Entry } from '../../model/consensus.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { PersistBatch } from '../../model/ports/store.ts'
import { Violation } from '../violation.ts'
import type { DiskImage } from './disk-image.ts'
import { decodeCommand, type Machine } from './machine.ts'

interface Committed {
  readonly entry: Entry
  /** The state after it. */
  readonly machine: Machine
  /** A term that is not before the one in which it was committed. */
  readonly underTerm: Term
}

interface Written {
  readonly entry: Entry
  readonly previousTerm: Term
}

/**
 * Watches every peer from outside, and throws a `Violation` when Raft's promises are broken (Raft, figure 3). It sees what no peer can: all
 * of them at once, and across their crashes. Entries travel by reference here, so an entry that is the same is the same object.
 */
export class SafetyMonitor {
  readonly #leaders = new Map<Term, PeerId>()
  readonly #disks = new Map<PeerId, DiskImage>()
  readonly #written: Map<Term, Written>[] = []
  readonly #committed: Committed[] = []
  /** By command: the highest index that was acknowledged before it was submitted. */
  readonly #floorByCommand = new Map<number, number>()
  readonly #indexByCommand = new Map<number, number>()
  readonly #acknowledged = new Map<number, number>()
  #highestAcknowledged = 0

  /** Tells the monitor where to look for what a peer really has. */
  watch(peer: PeerId, disk: DiskImage): void {
    this.#disks.set(peer, disk)
  }

  /** At most one leader per term; every committed entry of earlier terms is in its log (Leader Completeness). `state` may be a later one. */
  onElected(peer: PeerId, term: Term, state: RaftState): void {
    const other = this.#leaders.get(term)
    if (other !== undefined && other !== peer) throw new Violation(`two leaders in term ${term}: ${other} and ${peer}`)
    this.#leaders.set(term, peer)
    if (state.role !== 'leader' || state.term !== term) return
    for (const { entry, underTerm } of this.#committed) {
      if (entry.index <= state.log.snapshot.index || underTerm >= term) continue
      if (entryAt(state.log, entry.index) !== entry) {
        throw new Violation(`leader ${peer} of term ${term} lacks committed entry ${entry.index} of term ${entry.term}`)
      }
    }
  }

  /** Before `batch` reaches the disk: the term never falls, a vote stands, nothing applied is truncated, and logs match (Log Matching). */
  onPersist(peer: PeerId, image: DiskImage, { hardState, truncateFrom, append }: PersistBatch): void {
    const { term, votedFor } = image.hardState
    if (hardState !== undefined) {
      if (hardState.term < term) throw new Violation(`${peer} goes back from term ${term} to ${hardState.term}`)
      if (hardState.term === term && votedFor !== null && hardState.votedFor !== votedFor) {
        throw new Violation(`${peer} votes for ${votedFor} and ${hardState.votedFor} in term ${term}`)
      }
    }
    if (truncateFrom !== undefined && truncateFrom <= image.machine.appliedIndex) {
      throw new Violation(`${peer} truncates entry ${truncateFrom}, applied up to ${image.machine.appliedIndex}`)
    }
    const kept = truncateFrom === undefined ? image.entries.length : truncateFrom - image.snapshot.index - 1
    let previous: { index: number; term: Term } = image.entries[kept - 1] ?? image.snapshot
    for (const entry of append) {
      if (entry.index !== previous.index + 1) throw new Violation(`${peer} writes entry ${entry.index} after ${previous.index}`)
      this.#onWrite(peer, entry, previous.term)
      previous = entry
    }
  }

  #onWrite(peer: PeerId, entry: Entry, previousTerm: Term): void {
    const byTerm = (this.#written[entry.index] ??= new Map())
    const known = byTerm.get(entry.term)
    if (known === undefined) byTerm.set(entry.term, { entry, previousTerm })
    else if (known.entry !== entry || known.previousTerm !== previousTerm) {
      throw new Violation(`${peer} has another entry ${entry.index} of term ${entry.term}, or other entries before it`)
    }
  }

  /** Every peer applies the same entries, without gaps (State Machine Safety); no command twice; order of real time is kept. */
  onApply(peer: PeerId, entry: Entry, machine: Machine, before: Machine, underTerm: Term): void {
    if (entry.index !== before.appliedIndex + 1) throw new Violation(`${peer} applies entry ${entry.index} after ${before.appliedIndex}`)
    const known = this.#committed[entry.index - 1]
    if (known !== undefined) {
      if (known.entry !== entry || known.machine.hash !== machine.hash) {
        throw new Violation(`${peer} applies another entry ${entry.index} (term ${entry.term}) than others (term ${known.entry.term})`)
      }
      return
    }
    this.#committed.push({ entry, machine, underTerm })
    if (entry.kind !== 'command') return
    const id = decodeCommand(entry.command)
    if (this.#indexByCommand.has(id)) throw new Violation(`command ${id} is committed twice`)
    this.#indexByCommand.set(id, entry.index)
    const floor = this.#floorByCommand.get(id) ?? 0
    if (entry.index <= floor)
      throw new Violation(`command ${id} is at ${entry.index}, but ${floor} was acknowledged before it was submitted`)
  }

  onRestore(peer: PeerId, machine: Machine): void {
    const known = this.#committed[machine.appliedIndex - 1]
    if (known?.machine.hash !== machine.hash) throw new Violation(`${peer} restores a state of ${machine.appliedIndex} that nobody had`)
  }

  /**
   * A leader took commands: it knows all that is agreed, hands over to nobody, and a majority is in touch with it, as `isInTouch` says from
   * outside.
   */
  onAccept(state: RaftState, ids: readonly number[], isInTouch: (voter: PeerId) => boolean): void {
    if (!isActiveLeader(state)) throw new Violation(`${state.self} accepts a command and is no active leader`)
    if (state.transfer !== null) throw new Violation(`${state.self} accepts a command while it hands over to ${state.transfer.to}`)
    const { voters } = configurationOf(state)
    const inTouch = voters.filter(voter => voter === state.self || isInTouch(voter)).length
    if (inTouch < majority(voters.length)) throw new Violation(`${state.self} accepts a command without a majority in touch`)
    for (const id of ids) this.#floorByCommand.set(id, this.#highestAcknowledged)
  }

  onAcknowledge(id: number, index: number): void {
    this.#acknowledged.set(id, index)
    this.#highestAcknowledged = Math.max(this.#highestAcknowledged, index)
  }

  get highestAcknowledged(): number {
    return this.#highestAcknowledged
  }

  /** A read may be answered by the log up to `index`; `floor` was acknowledged when it was asked for. */
  onRead(peer: PeerId, index: number, floor: number): void {
    if (index < floor) throw new Violation(`${peer} lets the log be read up to ${index}, but ${floor} was acknowledged before`)
  }

  /** What a peer did in one step, as a leader of one term. */
  onStep(before: RaftState, after: RaftState): void {
    if (before.role !== 'leader' || before.term !== after.term) return
    if (after.commitIndex > before.commitIndex) this.#onCommit(after)
    if (newestConfiguration(after.log).index > newestConfiguration(before.log).index) this.#onReconfigure(before, after)
  }

  /** A leader counts copies of entries of its own term only (Raft, figure 8), and they are on the disks of a majority. */
  #onCommit(leader: RaftState): void {
    const { self, term, log, commitIndex } = leader
    const entry = entryAt(log, commitIndex)
    if (entry?.term !== term) throw new Violation(`leader ${self} of term ${term} commits by counting an entry of term ${entry?.term}`)
    const { voters } = configurationOf(leader)
    // Its own copy may still be on the way: it acts on the commit only after that.
    const copies = voters.filter(voter => voter === self || this.#has(voter, entry)).length
    if (copies < majority(voters.length)) {
      throw new Violation(`leader ${self} commits entry ${commitIndex}, which ${copies} of ${voters.length} voters have`)
    }
  }

  #has(peer: PeerId, { index, term }: Entry): boolean {
    const disk = this.#disks.get(peer)
    return disk !== undefined && (index <= disk.snapshot.index || disk.entries[index - disk.snapshot.index - 1]?.term === term)
  }

  /** A change of members: any two majorities of the old and the new share a peer, nothing else is under way, and the leader is active. */
  #onReconfigure(before: RaftState, after: RaftState): void {
    const current = newestConfiguration(before.log)
    const [old, next] = [configurationOf(before).voters, configurationOf(after).voters]
    const changed = old.filter(voter => !next.includes(voter)).length + next.filter(voter => !old.includes(voter)).length
    if (changed > 1) throw new Violation(`${before.self} changes ${changed} voters at once`)
    if (!isActiveLeader(before)) throw new Violation(`${before.self} changes the members before it is active`)
    if (current.index > before.commitIndex) throw new Violation(`${before.self} changes the members twice at once`)
  }

  /** The state that all peers must have reached when everything is committed. */
  finalMachine(): Machine | undefined {
    return this.#committed.at(-1)?.machine
  }

  /** The state as of `index`, which somebody has applied. */
  machineAt(index: number): Machine | undefined {
    return this.#committed[index - 1]?.machine
  }

  /** Whatever was acknowledged is where it was acknowledged. */
  checkAcknowledged(): void {
    for (const [id, index] of this.#acknowledged) {
      if (this.#indexByCommand.get(id) !== index) throw new Violation(`command ${id}, acknowledged at ${index}, is lost`)
    }
  }
}
