import type { PeerId } from '../../model/ids.ts'
import type { PeerStats } from '../../model/peer.ts'
import type { Calls } from './calls.ts'
import type { MachineSpec } from './fleet.ts'
import { Invariants } from './invariants.ts'
import { type Admission, Machine } from './machine.ts'
import { cacheBytesOf, type CacheTraits, SharedCache } from './shared-cache.ts'
import { Soonest } from './soonest.ts'
import { type VirtualFunction, WARM_START_MS } from './virtual-function.ts'

/** What {@link Workers} need of the replay around them. */
export interface WorkersInit {
  readonly calls: Calls
  readonly functions: readonly VirtualFunction[]
  readonly fleet: readonly MachineSpec[]
  /** Of each function. Absent: cache is no matter. */
  readonly traits?: readonly CacheTraits[] | undefined
  /** Calls back at a later moment of the virtual time. */
  readonly later: (atMs: number, run: () => void) => void
  /** A call has ended on a machine, now. */
  readonly onEnd: (call: number, machine: Machine) => void
}

/** All machines of a replay, and the calls on them: from the order to the last byte. */
export class Workers {
  readonly machines: readonly Machine[]
  readonly invariants: Invariants
  readonly #init: WorkersInit
  readonly #indexes = new Map<PeerId, number>()
  /** When the next execution on each machine ends. */
  readonly #ends: Soonest
  /** By machine, the highest order of each placer that it has got. */
  readonly #seenOrders: Record<PeerId, number>[]
  readonly #caches: readonly SharedCache[]
  /** By machine, calls whose image is on its way. */
  readonly #pulling: readonly Set<number>[]

  constructor(init: WorkersInit) {
    this.#init = init
    this.machines = init.fleet.map((spec, i) => new Machine(spec, i))
    for (const [i, { id }] of this.machines.entries()) this.#indexes.set(id, i)
    this.#ends = new Soonest(init.fleet.length)
    this.#seenOrders = init.fleet.map(() => ({}))
    this.#caches = init.fleet.map(spec => new SharedCache(cacheBytesOf(spec)))
    this.#pulling = init.fleet.map(() => new Set<number>())
    this.invariants = new Invariants(init.calls, this.machines)
  }

  /** When the next execution ends; infinity when none runs. */
  get nextEndMs(): number {
    return this.#ends.firstMs
  }

  /** A call reaches a worker, by an order or, of outside work, without one. Returns whether it had room. */
  take(call: number, peer: PeerId, order: { by: PeerId; number: number } | undefined, nowMs: number): boolean {
    const index = this.#indexes.get(peer) ?? -1
    const machine = this.machines[index]
    const admission = machine?.admit(this.#function(call), nowMs)
    if (machine === undefined || admission === undefined) return false
    const seenOrders = this.#seenOrders[index]
    if (order !== undefined && seenOrders !== undefined) seenOrders[order.by] = order.number
    this.#start(call, index, machine, admission, nowMs)
    return true
  }

  /** Ends what ends next; call it at {@link nextEndMs}. */
  finishNext(nowMs: number): void {
    const index = this.#ends.first
    const machine = this.machines[index]
    if (machine === undefined) return
    const { cores } = machine
    cores.advance(nowMs)
    for (;;) {
      const call = cores.takeDone(each => this.#function(each).cpus)
      if (call < 0) break
      machine.finish(this.#function(call), nowMs)
      const traits = this.#traits(call)
      if (traits !== undefined) this.#caches[index]?.leave(traits)
      this.#init.onEnd(call, machine)
    }
    this.#ends.set(index, cores.nextEndMs())
    this.invariants.checkMachine(index)
  }

  /** What a machine says of itself. */
  stats(index: number, nowMs: number): PeerStats | undefined {
    const stats = this.machines[index]?.stats(nowMs, { ...this.#seenOrders[index] })
    const [spec, cache] = [this.#init.fleet[index], this.#caches[index]]
    if (stats === undefined || this.#init.traits === undefined || spec === undefined || cache === undefined) return stats
    return {
      ...stats,
      llc: { mode: 'advisory', reason: 'no_kernel', bytes: cacheBytesOf(spec), ways: 16, expectedBytes: cache.neededBytes }
    }
  }

  /** A machine loses everything but its images. Returns the calls that it had. */
  crash(index: number, nowMs: number): readonly number[] {
    const pulling = this.#pulling[index] ?? new Set()
    const lost = [...(this.machines[index]?.crash(nowMs) ?? []), ...pulling]
    pulling.clear()
    this.#caches[index]?.clear()
    this.#seenOrders[index] = {}
    this.#ends.set(index, Number.POSITIVE_INFINITY)
    return lost
  }

  /** Brings all books up to the end. Throws when a rule of the simulation was broken. */
  close(nowMs: number): void {
    for (const { isUp, cores } of this.machines) if (isUp) cores.advance(nowMs)
    this.invariants.checkEnd()
  }

  #start(call: number, index: number, machine: Machine, { start, pullMs }: Admission, nowMs: number): void {
    const { calls, later } = this.#init
    calls.setState(call, 'running')
    calls.machine[call] = index
    calls.startedMs[call] = nowMs
    calls.cold[call] = start === 'cold' ? 1 : 0
    calls.startWorkMs[call] = start === 'cold' ? this.#function(call).coldStartMs : WARM_START_MS
    calls.pullMs[call] = pullMs
    if (pullMs === 0) return this.#begin(call, index, machine, nowMs)
    const pulling = this.#pulling[index]
    pulling?.add(call)
    later(nowMs + pullMs, () => {
      // Gone if the machine has crashed meanwhile.
      if (pulling?.delete(call) === true) this.#begin(call, index, machine, nowMs + pullMs)
    })
  }

  /** The call takes to the cores: start and run are one piece of work there. */
  #begin(call: number, index: number, { cores }: Machine, nowMs: number): void {
    const { calls } = this.#init
    const traits = this.#traits(call)
    const factor = traits === undefined ? 1 : (this.#caches[index]?.enter(traits) ?? 1)
    calls.cacheMs[call] = (factor - 1) * calls.runMs(call)
    cores.advance(nowMs)
    cores.add(call, (calls.startWorkMs[call] ?? 0) + calls.runMs(call) + (calls.cacheMs[call] ?? 0), this.#function(call).cpus)
    this.#ends.set(index, cores.nextEndMs())
    this.invariants.checkMachine(index)
  }

  #traits(call: number): CacheTraits | undefined {
    return this.#init.traits?.[this.#init.calls.functionIndex(call)]
  }

  #function(call: number): VirtualFunction {
    const fn = this.#init.functions[this.#init.calls.functionIndex(call)]
    if (fn === undefined) throw new RangeError(`call ${call} has no function`)
    return fn
  }
}
