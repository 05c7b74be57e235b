import type { QueueOrder } from '../../core/scheduler/admission/queue-order.ts'
import { couldEndInTime, couldFit } from '../../core/scheduler/could-fit.ts'
import { place } from '../../core/scheduler/place.ts'
import { PlacementTable } from '../../core/scheduler/placement-table.ts'
import { sharingOf } from '../../core/scheduler/sharing.ts'
import type { Strategy } from '../../core/scheduler/strategy.ts'
import { runMsOn } from '../../model/computing.ts'
import { CaresError } from '../../model/errors.ts'
import { type FunctionRecord, functionKey } from '../../model/function.ts'
import type { PeerId, Session } from '../../model/ids.ts'
import { type CallToPlace, type Headers, PARAMS_HEADER, type StartKind, type Usage } from '../../model/invocation.ts'
import type { PeerDigest, PeerStats, PeerView } from '../../model/peer.ts'
import type { Estimate, Receipt } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Random } from '../../model/random.ts'
import type { Learning } from '../costs/learning.ts'
import { demandsOf } from './demands-of.ts'

/** Longer parameters are ignored: they hardly ever come twice, so nothing could be learned from them. */
const PARAMS_CHARACTERS_MAX = 256

/** Largest `kappa` in fallback (see `PlaceOptions`): to allow for more unseen orders of other gateways would only overreact. */
const KAPPA_MAX = 12

export interface PlacerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly learning: Pick<Learning, 'estimate' | 'observe' | 'slowness'>
  readonly strategyOf: (fn: Pick<FunctionRecord, 'placement'>) => Strategy
  /** For the receipt: in which term it was placed. */
  readonly term: () => number
  readonly self: PeerId
}

/** What a placement goes by, of a call or of something else that needs a worker. */
export type Placeable = Pick<
  CallToPlace,
  'invocation' | 'headers' | 'asked' | 'inputBytes' | 'round' | 'deadlineMs' | 'pinnedTo' | 'fallback'
>

/** An order that this placer has reserved room for, until it is released. */
export interface Reserved {
  readonly order: number
  /** A second call does nothing. */
  release(): void
}

/** Chooses workers from this peer's own view, with its own orders laid over it. Used by the orchestrator and in fallback alike. */
export class Placer {
  readonly #components: PlacerComponents
  readonly #table: PlacementTable
  /** Bytes that are kept free, see {@link Placer.setOutside}. */
  readonly #outside = new Map<PeerId, number>()

  constructor(components: PlacerComponents) {
    this.#components = components
    this.#table = new PlacementTable(components.self)
  }

  /** Takes over what is known of all peers. */
  sync(views: readonly PeerView[]): void {
    this.#fill(this.#table, views)
  }

  /** A table by which this peer would place if it had no orders out, for questions that are no calls. */
  tableOf(views: readonly PeerView[]): PlacementTable {
    const table = new PlacementTable(this.#components.self)
    this.#fill(table, views)
    table.takeTurnsOf(this.#table)
    return table
  }

  #fill(table: PlacementTable, views: readonly PeerView[]): void {
    const { clock, learning } = this.#components
    table.sync(views, clock.nowMs())
    for (const { profile } of views) {
      // What other placers have observed says something of machines, too.
      table.setSlowness(profile.id, learning.slowness(profile.id))
      table.setOutside(profile.id, this.outsideOn(profile.id))
    }
  }

  /** Takes over what a worker that has refused an order says of itself: newer than its heartbeats, which are up to seconds old. */
  correct(worker: PeerId, session: Session, stats: PeerStats): void {
    this.#table.correct(worker, session, stats, this.#components.clock.nowMs())
  }

  /** Keeps memory on a peer free for work outside CARES. */
  setOutside(peer: PeerId, memoryBytes: number): void {
    if (memoryBytes > 0) this.#outside.set(peer, memoryBytes)
    else this.#outside.delete(peer)
    this.#table.setOutside(peer, memoryBytes)
  }

  /** Keeps free what the orchestrator has promised, as it says: for quotes, and for placements by fallback. */
  hearOutside(lines: readonly Pick<PeerDigest, 'profile' | 'admittedMemoryBytes'>[]): void {
    const told = new Map(lines.map(({ profile, admittedMemoryBytes = 0 }) => [profile.id, admittedMemoryBytes]))
    for (const peer of [...this.#outside.keys(), ...told.keys()]) this.setOutside(peer, told.get(peer) ?? 0)
  }

  /** Bytes that are kept free on a peer, see {@link Placer.setOutside}. */
  outsideOn(peer: PeerId): number {
    return this.#outside.get(peer) ?? 0
  }

  /** Chooses a worker, and keeps the numbers that decided. Changes nothing: reserve the chosen one at once. */
  place(fn: FunctionRecord, call: Placeable, options: { try: number; exclude: readonly PeerId[] }): Receipt {
    const { clock, random, strategyOf, term, self } = this.#components
    const strategy = strategyOf(fn)
    const { inputBytes } = call
    const params = paramsOf(call.headers)
    const estimate = this.estimate(fn, call)
    const decision = place(
      {
        invocation: call.invocation,
        ...demandsOf(fn),
        inputBytes,
        ...(call.pinnedTo === undefined ? {} : { pinnedTo: call.pinnedTo }),
        exclude: options.exclude,
        deadlineMs: call.deadlineMs,
        estimate
      },
      this.#table,
      { random, strategy, kappa: call.fallback ? Math.min(KAPPA_MAX, Math.max(1, this.#table.size)) : 1 }
    )
    return {
      invocation: call.invocation,
      function: functionKey(fn),
      at: clock.timestamp(),
      by: self,
      term: term(),
      placement: call.fallback ? 'fallback' : 'orchestrator',
      strategy: strategy.name,
      ...(strategy.objective === undefined ? {} : { objective: strategy.objective }),
      ...(call.asked === undefined ? {} : { asked: call.asked }),
      ...(params === undefined ? {} : { params }),
      round: call.round,
      try: options.try,
      cpus: fn.cpus,
      memoryBytes: fn.memoryBytes,
      imageBytes: fn.imageBytes,
      ...(fn.gpus === undefined ? {} : { gpus: fn.gpus }),
      estimate,
      decision,
      viewAgeMs: this.#table.oldestLookedAtMs(clock.nowMs())
    }
  }

  /** What a call is expected to take on an idle peer of reference speed. */
  estimate(fn: FunctionRecord, { headers, inputBytes }: Pick<Placeable, 'headers' | 'inputBytes'>): Estimate {
    const { digest, contract } = fn
    return this.#components.learning.estimate({ function: functionKey(fn), digest, contract, inputBytes, params: paramsOf(headers) })
  }

  /** Peers that it knows. */
  get size(): number {
    return this.#table.size
  }

  /** How work waits that leaves the strategy open. */
  get queueOrder(): QueueOrder {
    return this.#components.strategyOf({}).queueOrder ?? 'interactive'
  }

  /** Enters an order on a worker. */
  reserve(worker: PeerId, fn: FunctionRecord, receipt: Receipt): Reserved {
    const start = receipt.decision.expected?.start ?? 'cold'
    const { cpus, memoryBytes } = fn
    const llcBytes = receipt.estimate.cache?.bytes
    const order = this.#table.reserve(
      { worker, function: functionKey(fn), cpus, memoryBytes, llcBytes, start },
      this.#components.clock.nowMs()
    )
    return { order, release: () => this.#table.release(order) }
  }

  /** The session of a worker to order from. Throws `peer_unreachable` when the peer is not known any more. */
  session(worker: PeerId): Session {
    const session = this.#table.session(worker)
    if (session === undefined) throw new CaresError('peer_unreachable', `peer ${worker} is not known any more`, { retryable: true })
    return session
  }

  /** Whether any known peer is large enough for the function, however busy it is now. */
  couldFit(fn: FunctionRecord, pinnedTo: PeerId | undefined): boolean {
    return couldFit({ ...demandsOf(fn), pinnedTo }, this.#table)
  }

  /** Whether any known peer would be quick enough for the call if it had nothing else to do. */
  couldEndInTime(fn: FunctionRecord, call: Placeable): boolean {
    const { inputBytes, deadlineMs, pinnedTo } = call
    return couldEndInTime({ ...demandsOf(fn), pinnedTo, inputBytes, deadlineMs, estimate: this.estimate(fn, call) }, this.#table)
  }

  /** How many times longer than alone an execution was expected to take, see `sharingOf`. */
  sharing({ decision: { chosen, expected }, estimate }: Receipt): number {
    if (chosen === null || expected == null) return 1
    return sharingOf(expected.queueMs, runMsOn(estimate, this.#components.learning.slowness(chosen)))
  }

  /** Learns from an execution that ended well. `sharing`: what {@link Placer.sharing} said of it; undefined where another placer has placed it. */
  observe(
    fn: FunctionRecord,
    peer: PeerId,
    execution: { start: StartKind; usage: Usage; sharing: number | undefined; params?: string | undefined }
  ): void {
    const { start, usage, sharing, params } = execution
    const { learning } = this.#components
    const { bytesIn: inputBytes, bytesOut: outputBytes, pullMs, startMs, runMs, cpuMs, memoryPeakBytes, llcBytes, llcUsedBytes } = usage
    learning.observe({
      function: functionKey(fn),
      digest: fn.digest,
      peer,
      start,
      ...(params === undefined ? {} : { params }),
      inputBytes,
      outputBytes,
      pullMs,
      startMs,
      runMs: runMs / (sharing ?? 1),
      clean: sharing === 1,
      ...(cpuMs === undefined ? {} : { cpuMs }),
      ...(memoryPeakBytes === undefined ? {} : { memoryPeakBytes }),
      ...(llcBytes === undefined ? {} : { llcBytes }),
      ...(llcUsedBytes === undefined ? {} : { llcUsedBytes })
    })
    this.#table.setSlowness(peer, learning.slowness(peer))
  }
}

/** The parameters that a client declares for a call; undefined without any, or when they are too long. */
export function paramsOf(headers: Headers): string | undefined {
  const params = headers.find(([name]) => name === PARAMS_HEADER)?.[1]
  return params === undefined || params === '' || params.length > PARAMS_CHARACTERS_MAX ? undefined : params
}
