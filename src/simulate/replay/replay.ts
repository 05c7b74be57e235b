import type { PeerId } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Estimate } from '../../model/placement.ts'
import { createRandom, type Random } from '../../model/random.ts'
import { EventQueue } from '../event-queue.ts'
import { exponential } from '../workload/workload.ts'
import { Calls } from './calls.ts'
import { type Estimates, LearnedEstimates, NoisyEstimates } from './estimates.ts'
import type { MachineSpec } from './fleet.ts'
import type { Machine } from './machine.ts'
import { OutsideCalls } from './outside-calls.ts'
import { type CacheTraits, drawTraits } from './shared-cache.ts'
import { Soonest } from './soonest.ts'
import type { ReplayInit, ReplayResult } from './replay-init.ts'
import { type VirtualFunction, virtualFunction } from './virtual-function.ts'
import { VirtualPlacer } from './virtual-placer.ts'
import { Workers } from './workers.ts'

/** One round trip between placer and worker. */
const ROUND_TRIP_MS = 1
const NETWORK_BYTES_PER_MS = 100_000

/** Workers that are tried for one call before it waits. */
const TRIES_MAX = 3

/** A peer that has crashed is noticed by its connections, and back after a restart. */
const CRASH_NOTICED_MS = 100
const RESTART_MS = 30_000

/** A waiting call looks again at least so often: nobody says when an idle container could be given up. */
const LOOK_AGAIN_MS = 500

const MS_PER_HOUR = 3_600_000

/**
 * Replays a workload on a virtual cluster in virtual time: real scheduler, ledger and predictor, simulated machines and network. The same
 * conditions give the same result, to the last bit. Throws when a rule of the simulation itself is broken (see `Invariants`).
 */
export function replay(init: ReplayInit): ReplayResult {
  return new Replay(init).run()
}

class Replay {
  readonly #init: ReplayInit
  readonly #calls: Calls
  readonly #functions: readonly VirtualFunction[]
  /** By function; undefined: cache is no matter. */
  readonly #traits: readonly CacheTraits[] | undefined
  readonly #workers: Workers
  readonly #placers: readonly VirtualPlacer[]
  readonly #estimates: Estimates
  readonly #outside: OutsideCalls | undefined
  readonly #random: Random
  /** When each machine speaks next. */
  readonly #words: Soonest
  /** Words on their way, pulls, crashes, restarts and second looks. */
  readonly #others = new EventQueue()
  #nowMs = 0
  #endMs = 0
  #nextCall = 0
  #eventsCount = 0
  #redirects = 0
  #crashes = 0

  constructor(init: ReplayInit) {
    const { workload, fleet, seed, placers, chooser, waitingOrder, estimates, outsideShare = 0, cache = 'off' } = init
    this.#init = init
    this.#calls = new Calls(workload)
    // Spread over the functions as evenly as a share can be, so that every seed has the same mix.
    this.#functions = workload.functions.map((fn, i) =>
      virtualFunction(fn, Math.floor((i + 1) * outsideShare) > Math.floor(i * outsideShare))
    )
    this.#traits = cache === 'off' ? undefined : drawTraits(workload.functions.length, seed)
    this.#workers = new Workers({
      traits: this.#traits,
      calls: this.#calls,
      functions: this.#functions,
      fleet,
      later: (atMs, run) => this.#others.add(atMs, run),
      onEnd: (call, machine) => this.#onEnd(call, machine)
    })
    this.#random = createRandom(seed)
    const seeds = createRandom(seed + 0x51ed)
    this.#placers = Array.from({ length: placers }, (_, i) => {
      const random = createRandom(Math.floor(seeds() * 2 ** 32))
      return new VirtualPlacer({ self: `12D3KooWPlacer${i}` as PeerId, chooser, placersCount: placers, waitingOrder, random })
    })
    this.#estimates =
      estimates === 'learned'
        ? new LearnedEstimates(this.#calls, this.#functions)
        : new NoisyEstimates(this.#calls, estimates, createRandom(seed + 0x2f6e))
    this.#words = new Soonest(fleet.length)
    const [placer] = this.#placers
    if (outsideShare > 0 && placer !== undefined) {
      this.#outside = new OutsideCalls({
        calls: this.#calls,
        functionOf: call => this.#function(call),
        predictMs: call => this.#estimates.estimate(call).runMs,
        start: (call, peer, nowMs) => this.#workers.take(call, peer, undefined, nowMs),
        later: (atMs, run) => this.#others.add(atMs, () => run(atMs)),
        table: placer.table,
        placersCount: placers
      })
    }
  }

  run(): ReplayResult {
    for (const [i, machine] of this.#workers.machines.entries()) {
      this.#hear(machine, { profile: machine.profile, stats: machine.stats(0, {}), state: 'alive', ageMs: 0 })
      this.#words.set(i, this.#random() * this.#init.gossipMs)
      this.#planCrash(i)
    }
    while (!this.#isOver()) this.#step()
    this.#workers.close(Math.max(this.#endMs, this.#nowMs))
    return {
      calls: this.#calls,
      machines: this.#workers.machines,
      endMs: this.#endMs,
      eventsCount: this.#eventsCount,
      redirects: this.#redirects + (this.#outside?.redirects ?? 0),
      crashes: this.#crashes,
      admission: this.#outside?.figures,
      sharesCache: this.#traits !== undefined
    }
  }

  #isOver(): boolean {
    return this.#calls.openCount === 0
  }

  /** Lets the next thing happen. Ends come first: they free what arrivals of the same moment need. */
  #step(): void {
    const endMs = this.#workers.nextEndMs
    const callMs = this.#nextCall < this.#calls.size ? this.#calls.arrivalMs(this.#nextCall) : Number.POSITIVE_INFINITY
    const soonestMs = Math.min(endMs, callMs, this.#words.firstMs)
    this.#eventsCount++
    const other = this.#others.takeDue(soonestMs)
    this.#nowMs = other?.atMs ?? soonestMs
    if (other !== undefined) other.run()
    else if (endMs === soonestMs) this.#workers.finishNext(this.#nowMs)
    else if (callMs === soonestMs) this.#onCall(this.#nextCall++)
    else this.#onWord(this.#words.first)
  }

  #onCall(call: number): void {
    if (this.#outside !== undefined && this.#function(call).isOutside) return this.#outside.ask(call, this.#nowMs)
    this.#calls.placer[call] = this.#placers.length === 1 ? 0 : Math.floor(this.#random() * this.#placers.length)
    const comesAlone = !this.#comesTogether(call, call - 1) && !this.#comesTogether(call, call + 1)
    if (comesAlone && this.#attempt(call)) return
    this.#enqueue(call)
    if (!comesAlone && !this.#comesTogether(call, call + 1)) for (const placer of this.#placers) this.#serveWaiting(placer)
  }

  /** Whether two tasks are there at the same moment: the waiting line says who of them is first, not the order in which they were written down. */
  #comesTogether(call: number, other: number): boolean {
    return !this.#init.sharesCores && this.#calls.arrivalMs(call) === this.#calls.workload.arrivalMs[other]
  }

  #enqueue(call: number): void {
    const placer = this.#placerOf(call)
    if (!placer.couldFit(this.#function(call)) || !this.#hasGpuFor(call)) {
      this.#calls.setState(call, 'refused')
      return
    }
    this.#calls.setState(call, 'queued')
    const { runMs } = this.#estimates.estimate(call)
    placer.enqueue(call, this.#nowMs, runMs, this.#dominantShare(call))
    if (placer.waitingCount === 1) this.#lookAgainLater(placer)
  }

  /** Tries to get a call onto a worker. */
  #attempt(call: number): boolean {
    const fn = this.#function(call)
    const placer = this.#placerOf(call)
    const inputBytes = this.#calls.workload.inputBytes[call] ?? 0
    const estimate = this.#estimateOf(call)
    const exclude = this.#knownToRefuse(fn)
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const choice = placer.choose(fn, estimate, inputBytes, exclude, this.#nowMs)
      if (choice === undefined) return false
      if (this.#workers.take(call, choice.peer, { by: placer.self, number: choice.order }, this.#nowMs)) {
        this.#calls.order[call] = choice.order
        this.#calls.sharing[call] = choice.sharing
        return true
      }
      placer.release(choice.order)
      exclude.push(choice.peer)
      this.#redirects++
    }
    return false
  }

  /** What a placer expects of a call; what its function needs of the cache is as a benchmark would have told it. */
  #estimateOf(call: number): Estimate {
    const estimate = this.#estimates.estimate(call)
    const need = this.#init.cache === 'known' ? this.#traits?.[this.#calls.functionIndex(call)]?.need : undefined
    return need === undefined ? estimate : { ...estimate, cache: need }
  }

  /** What placements do not know and admission does: whose graphics processors are taken, and, where cores are not shared, whose cores. */
  #knownToRefuse({ cpus, gpus }: VirtualFunction): PeerId[] {
    const { sharesCores } = this.#init
    if (gpus === 0 && sharesCores) return []
    return this.#workers.machines
      .filter(({ gpusFree, cpusRunning, spec }) => gpusFree < gpus || (!sharesCores && cpusRunning + cpus > spec.cpus))
      .map(({ id }) => id)
  }

  #onEnd(call: number, machine: Machine): void {
    const calls = this.#calls
    const placer = this.#placerOf(call)
    const networkMs = ROUND_TRIP_MS + (calls.workload.inputBytes[call] ?? 0) / NETWORK_BYTES_PER_MS
    const endMs = this.#nowMs + networkMs
    calls.endMs[call] = endMs
    calls.usd[call] = this.#priceOf(call, machine)
    calls.setState(call, 'done')
    this.#endMs = Math.max(this.#endMs, endMs)
    if (this.#function(call).isOutside) this.#outside?.leave(call, machine.id)
    else placer.release(calls.order[call] ?? 0)
    this.#estimates.learn(call, machine, this.#nowMs)
    this.#serveWaiting(placer)
  }

  /** The machine's price for the time, for the share that the call took of the scarcer of cores and memory: what `cost` goes by. */
  #priceOf(call: number, { spec }: Machine): number {
    const { cpus, memoryBytes } = this.#function(call)
    const share = Math.max(cpus / spec.cpus, memoryBytes / spec.memoryBytes)
    return (spec.usdPerHour / MS_PER_HOUR) * share * (this.#nowMs - (this.#calls.startedMs[call] ?? 0))
  }

  #serveWaiting(placer: VirtualPlacer): void {
    if (placer.waitingCount === 0) return
    placer.serveWaiting(
      this.#nowMs,
      call => this.#calls.functionIndex(call),
      call => this.#attempt(call)
    )
  }

  #lookAgainLater(placer: VirtualPlacer): void {
    this.#others.add(this.#nowMs + LOOK_AGAIN_MS, () => {
      this.#serveWaiting(placer)
      if (placer.waitingCount > 0) this.#lookAgainLater(placer)
    })
  }

  /** A machine looks at itself, and sends out what it sees. */
  #onWord(index: number): void {
    const { gossipMs, gossipDelayMs, lossRatio, keepAliveMs } = this.#init
    this.#words.set(index, this.#nowMs + gossipMs)
    const machine = this.#workers.machines[index]
    if (machine === undefined || !machine.isUp) return
    machine.trim(this.#nowMs - keepAliveMs)
    if (lossRatio > 0 && this.#random() < lossRatio) return
    const stats = this.#workers.stats(index, this.#nowMs)
    if (stats === undefined) return
    const { profile } = machine
    this.#others.add(this.#nowMs + gossipDelayMs, () => {
      if (machine.isUp) this.#hear(machine, { profile, stats, state: 'alive', ageMs: 0 })
    })
  }

  #hear(machine: Machine, view: PeerView): void {
    const slowness = this.#estimates.slowness(machine)
    for (const placer of this.#placers) placer.update(view, slowness, this.#nowMs)
    this.#outside?.hear(view, this.#nowMs)
  }

  #planCrash(index: number): void {
    const { crashesPerHour } = this.#init
    if (crashesPerHour === 0) return
    this.#others.add(this.#nowMs + exponential(crashesPerHour / MS_PER_HOUR, this.#random), () => this.#crash(index))
  }

  #crash(index: number): void {
    const machine = this.#workers.machines[index]
    if (machine === undefined) return
    this.#crashes++
    for (const call of this.#workers.crash(index, this.#nowMs)) {
      this.#calls.setState(call, 'lost')
      if (this.#function(call).isOutside) this.#outside?.leave(call, machine.id)
      else this.#placerOf(call).release(this.#calls.order[call] ?? 0)
      this.#endMs = Math.max(this.#endMs, this.#nowMs)
    }
    const { profile } = machine
    const stats = machine.stats(this.#nowMs, {})
    this.#others.add(this.#nowMs + CRASH_NOTICED_MS, () => this.#hear(machine, { profile, stats, state: 'gone', ageMs: 0 }))
    this.#others.add(this.#nowMs + RESTART_MS, () => {
      machine.cores.advance(this.#nowMs)
      machine.restart()
      this.#planCrash(index)
    })
  }

  #dominantShare(call: number): number {
    const { cpus, memoryBytes, gpus } = this.#function(call)
    const all = (of: (spec: MachineSpec) => number): number =>
      Math.max(
        1e-9,
        this.#init.fleet.reduce((sum, spec) => sum + of(spec), 0)
      )
    return Math.max(cpus / all(spec => spec.cpus), memoryBytes / all(spec => spec.memoryBytes), gpus / all(spec => spec.gpus))
  }

  #hasGpuFor(call: number): boolean {
    const { gpus } = this.#function(call)
    return gpus === 0 || this.#init.fleet.some(spec => spec.gpus >= gpus)
  }

  #function(call: number): VirtualFunction {
    const fn = this.#functions[this.#calls.functionIndex(call)]
    if (fn === undefined) throw new RangeError(`call ${call} has no function`)
    return fn
  }

  #placerOf(call: number): VirtualPlacer {
    const placer = this.#placers[this.#calls.placer[call] ?? 0]
    if (placer === undefined) throw new RangeError(`call ${call} has no placer`)
    return placer
  }
}
