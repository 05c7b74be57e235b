import type { PlacementTable } from '../../core/scheduler/placement-table.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Calls } from './calls.ts'
import { ADMISSION_LOOK_MS, type AdmissionFigures, OutsideWork } from './outside-work.ts'
import type { VirtualFunction } from './virtual-function.ts'

/** What {@link OutsideCalls} need of the replay around them. */
export interface OutsideCallsInit {
  readonly calls: Calls
  readonly functionOf: (call: number) => VirtualFunction
  /** How long a call is expected to run. */
  readonly predictMs: (call: number) => number
  /** Starts a call on a machine. Returns whether it had room. */
  readonly start: (call: number, peer: PeerId, nowMs: number) => boolean
  /** Calls back at a later moment of the virtual time. */
  readonly later: (atMs: number, run: (nowMs: number) => void) => void
  /** Of who is in office. */
  readonly table: PlacementTable
  readonly placersCount: number
}

/** Calls of a replay that are work outside CARES, from their question to their end. Nobody places them: they run where they are let in. */
export class OutsideCalls {
  readonly #init: OutsideCallsInit
  readonly #work: OutsideWork
  #redirects = 0

  /** Throws `invalid` where nobody is in office. */
  constructor(init: OutsideCallsInit) {
    if (init.placersCount !== 1) {
      throw new CaresError('invalid', 'work outside CARES is admitted by the orchestrator: without one there is nobody to ask', {
        hint: 'simulate it with one placer'
      })
    }
    this.#init = init
    this.#work = new OutsideWork(init.table.self)
    init.later(0, nowMs => this.#lookAgain(nowMs))
  }

  get figures(): AdmissionFigures {
    return this.#work.figures
  }

  /** How often a machine had no room after all for what was let in there. */
  get redirects(): number {
    return this.#redirects
  }

  /** Takes in a word of a machine. */
  hear(view: PeerView, nowMs: number): void {
    this.#work.hear(view, nowMs)
  }

  /** Asks whether and where a call may run, and again later where it is told to. */
  ask(call: number, nowMs: number): void {
    const { calls, functionOf, predictMs, later } = this.#init
    const { cpus, memoryBytes } = functionOf(call)
    calls.setState(call, 'queued')
    const answer = this.#work.ask(call, { cpus, memoryBytes, predictedMs: predictMs(call) }, nowMs)
    if (answer === 'waits') return
    if (answer === 'never') calls.setState(call, 'refused')
    else if ('againMs' in answer) later(nowMs + answer.againMs, atMs => this.ask(call, atMs))
    else this.#start(call, answer.peer, nowMs)
  }

  /** A call is over, or lost with its machine. */
  leave(call: number, peer: PeerId): void {
    this.#work.complete(call)
    this.#tellExpected(peer)
  }

  #lookAgain(nowMs: number): void {
    const { calls, later } = this.#init
    const { approved, refused } = this.#work.look(nowMs)
    for (const call of refused) calls.setState(call, 'refused')
    for (const { call, peer } of approved) this.#start(call, peer, nowMs)
    later(nowMs + ADMISSION_LOOK_MS, atMs => this.#lookAgain(atMs))
  }

  #start(call: number, peer: PeerId, nowMs: number): void {
    const { start, later } = this.#init
    const isTaken = start(call, peer, nowMs)
    if (!isTaken) this.#work.complete(call)
    this.#tellExpected(peer)
    if (isTaken) return
    // What the statistics did not show yet: the program cannot start, and whoever runs it asks again.
    this.#redirects++
    later(nowMs + ADMISSION_LOOK_MS, atMs => this.ask(call, atMs))
  }

  /** The memory that is promised to outside work is nobody else's. */
  #tellExpected(peer: PeerId): void {
    this.#init.table.setOutside(peer, this.#work.expectedBytes(peer))
  }
}
