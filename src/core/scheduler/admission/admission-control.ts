import { type Amounts, RESOURCES, type Resource } from '../../../model/admission.ts'
import type { PeerId } from '../../../model/ids.ts'
import { hasRoom, NOTHING, plus, shareOf } from './amounts.ts'
import { type ActiveWork, futureUse } from './future-use.ts'
import type { Admission, AdmissionPolicy, Advance, Ask, Lack, Machine } from './admission.ts'
import { compareWaiting, isAged } from './queue-order.ts'
import { predictStarts, type Room } from './predict-starts.ts'

/** Admitted work that counts at one time. At some 300 bytes each, 3 MB; the sums over one machine's part of it stay microseconds. */
export const ACTIVE_MAX = 10_000

/** Work that waits. More would wait for longer than anybody does, and telling one how long means to go through all before it. */
export const QUEUE_MAX = 256

/** Targets of LARS' kind: cores can be shared for a while, memory cannot; the rest is for what nobody predicted. */
export const DEFAULT_POLICY: AdmissionPolicy = {
  targets: { cpus: 0.8, memoryBytes: 0.9, diskBytes: 0.9 },
  hysteresis: 0.05,
  staleAfterMs: 3_000,
  order: 'interactive'
}

interface Active extends ActiveWork {
  readonly peer: PeerId
  readonly endsAtMs: number
}

interface Queued extends Ask {
  readonly arrivedAtMs: number
  /** Where it goes once it has waited for too long: nobody overtakes it there. */
  reservedOn?: PeerId | undefined
}

/**
 * Admission against target shares (LARS, with its sum mended: {@link futureUse}): work is approved where it fits below the targets, else it
 * waits, else it is refused. Deterministic: the same calls with the same machines and times give the same answers. The caller brings the
 * machines' newest statistics to each call.
 */
export class AdmissionControl {
  readonly #policy: AdmissionPolicy
  readonly #active = new Map<string, Active>()
  readonly #byPeer = new Map<PeerId, Set<string>>()
  readonly #queue = new Map<string, Queued>()
  /** Approved while somebody else asked: told by the next {@link AdmissionControl.advance}. */
  readonly #untold: { id: string; peer: PeerId }[] = []
  /** Resources that a machine had to deny somebody, and has not got well below their targets since. */
  readonly #closed = new Map<PeerId, ReadonlySet<Resource>>()

  constructor(policy: AdmissionPolicy = DEFAULT_POLICY) {
    this.#policy = policy
  }

  /** Work that counts. */
  get activeCount(): number {
    return this.#active.size
  }

  get queuedCount(): number {
    return this.#queue.size
  }

  /** Approves, queues or refuses. An id that is known already gets its present standing. */
  ask(ask: Ask, machines: readonly Machine[], nowMs: number): Admission {
    const active = this.#active.get(ask.id)
    if (active !== undefined) return { outcome: 'approved', peer: active.peer }
    if (this.#queue.has(ask.id)) return this.standing(ask.id, machines, nowMs) ?? { outcome: 'refused', reason: 'queue_full', waitMs: 0 }
    if (!machines.some(machine => isAsked(ask, machine) && hasRoom(this.#limits(machine), ask.predicted))) {
      return { outcome: 'refused', reason: 'never_fits', waitMs: 0 }
    }
    if (!machines.some(machine => isAsked(ask, machine) && this.#isFresh(machine))) {
      return { outcome: 'refused', reason: 'safe_mode', waitMs: this.#policy.staleAfterMs }
    }
    if (this.#queue.size >= QUEUE_MAX || this.#active.size >= ACTIVE_MAX)
      return { outcome: 'refused', reason: 'queue_full', waitMs: ask.predictedMs }
    this.#queue.set(ask.id, { ...ask, arrivedAtMs: nowMs })
    for (const admitted of this.#admitWaiting(machines, nowMs)) if (admitted.id !== ask.id) this.#untold.push(admitted)
    const standing = this.standing(ask.id, machines, nowMs)
    // Who would not wait at all is refused whatever the wait; a wait that is not known is no reason for others.
    if (standing?.outcome === 'queued' && (ask.waitMaxMs <= 0 || (standing.waitMs ?? 0) > ask.waitMaxMs)) {
      this.#queue.delete(ask.id)
      return { outcome: 'refused', reason: 'would_wait_too_long', waitMs: standing.waitMs ?? this.#policy.staleAfterMs }
    }
    return standing ?? { outcome: 'refused', reason: 'queue_full', waitMs: 0 }
  }

  /** How it stands with something that was asked for; undefined when it is over, or never was. */
  standing(id: string, machines: readonly Machine[], nowMs: number): Extract<Admission, { outcome: 'approved' | 'queued' }> | undefined {
    const active = this.#active.get(id)
    if (active !== undefined) return { outcome: 'approved', peer: active.peer }
    if (!this.#queue.has(id)) return undefined
    const waiting = this.#inOrder(nowMs)
    const ahead = waiting.findIndex(queued => queued.id === id)
    const rooms = machines.filter(machine => machine.isOpen && this.#isFresh(machine)).map(machine => this.#future(machine, nowMs))
    const starts = predictStarts(waiting.slice(0, ahead + 1), rooms, nowMs)
    const waitMs = Math.max(0, (starts.at(-1) ?? nowMs) - nowMs)
    if (Number.isFinite(waitMs)) return { outcome: 'queued', ahead, waitMs }
    const lack = lackOf(waiting[ahead], rooms)
    return { outcome: 'queued', ahead, waitMs: null, ...(lack === undefined ? {} : { lack }) }
  }

  /** Takes over work that another decider has approved. */
  restore(ask: Ask, peer: PeerId, startedAtMs: number): void {
    this.#queue.delete(ask.id)
    if (!this.#active.has(ask.id)) this.#start(ask, peer, startedAtMs)
  }

  /** Ends work, or takes it out of the queue. Returns whether there was any. */
  complete(id: string): boolean {
    const active = this.#active.get(id)
    if (active === undefined) return this.#queue.delete(id)
    this.#active.delete(id)
    const others = this.#byPeer.get(active.peer)
    others?.delete(id)
    if (others?.size === 0) this.#byPeer.delete(active.peer)
    return true
  }

  /** Approves what waits and fits now, gives up what has waited for too long, and forgets what should have ended. */
  advance(machines: readonly Machine[], nowMs: number): Advance {
    const expired = [...this.#active].filter(([, { endsAtMs }]) => endsAtMs <= nowMs).map(([id]) => id)
    for (const id of expired) this.complete(id)
    const approved = [...this.#untold.splice(0).filter(({ id }) => this.#active.has(id)), ...this.#admitWaiting(machines, nowMs)]
    const refused = [...this.#queue.values()].filter(({ arrivedAtMs, waitMaxMs }) => nowMs - arrivedAtMs > waitMaxMs).map(({ id }) => id)
    for (const id of refused) this.#queue.delete(id)
    return { approved, refused, expired }
  }

  /** What admitted work is expected to use of a machine in all. */
  expectedOn(peer: PeerId): Amounts {
    let sum = NOTHING
    for (const id of this.#byPeer.get(peer) ?? []) sum = plus(sum, this.#active.get(id)?.predicted ?? NOTHING)
    return sum
  }

  #admitWaiting(machines: readonly Machine[], nowMs: number): { id: string; peer: PeerId }[] {
    const approved: { id: string; peer: PeerId }[] = []
    const open = machines.filter(machine => machine.isOpen && this.#isFresh(machine))
    const rooms = new Map(open.map(machine => [machine.peer, this.#roomOn(machine, nowMs)]))
    this.#reopen(open, rooms)
    /** Machines that nobody further behind may have. */
    const reserved = new Set<PeerId>()
    for (const waiting of this.#inOrder(nowMs)) {
      if (this.#active.size >= ACTIVE_MAX) break
      const candidates = open.filter(machine => isAsked(waiting, machine) && !reserved.has(machine.peer))
      const machine = this.#emptiest(waiting, candidates, rooms)
      if (machine !== undefined) {
        this.#queue.delete(waiting.id)
        this.#start(waiting, machine.peer, nowMs)
        rooms.set(machine.peer, plus(rooms.get(machine.peer) ?? NOTHING, waiting.predicted, -1))
        approved.push({ id: waiting.id, peer: machine.peer })
        continue
      }
      for (const denied of candidates) this.#close(denied, rooms, waiting.predicted)
      if (!isAged(waiting, this.#policy.order, nowMs)) continue
      waiting.reservedOn = this.#reservationOf(waiting, candidates, nowMs)
      if (waiting.reservedOn !== undefined) reserved.add(waiting.reservedOn)
    }
    return approved
  }

  /** The machine that is left with the most of what will be scarcest there. */
  #emptiest(waiting: Queued, machines: readonly Machine[], rooms: ReadonlyMap<PeerId, Amounts>): Machine | undefined {
    let best: Machine | undefined
    let mostLeft = Number.NEGATIVE_INFINITY
    for (const machine of machines) {
      const room = rooms.get(machine.peer) ?? NOTHING
      if (!hasRoom(room, waiting.predicted) || (this.#isClosedFor(machine.peer, waiting) && waiting.reservedOn !== machine.peer)) continue
      const left = plus(room, waiting.predicted, -1)
      const scarcest = Math.min(left.cpus / machine.capacity.cpus, left.memoryBytes / machine.capacity.memoryBytes)
      if (scarcest <= mostLeft) continue
      best = machine
      mostLeft = scarcest
    }
    return best
  }

  /** Where it will fit first; the same machine as before, as long as that is there. */
  #reservationOf(waiting: Queued, candidates: readonly Machine[], nowMs: number): PeerId | undefined {
    if (candidates.some(({ peer }) => peer === waiting.reservedOn)) return waiting.reservedOn
    let soonest = Number.POSITIVE_INFINITY
    let found: PeerId | undefined
    for (const machine of candidates) {
      const [startMs = Number.POSITIVE_INFINITY] = predictStarts([waiting], [this.#future(machine, nowMs)], nowMs)
      if (startMs >= soonest) continue
      soonest = startMs
      found = machine.peer
    }
    return found
  }

  /** Near its target, a machine that has denied something takes nothing smaller either: or work would flicker in at every dip of its load. */
  #close({ peer, capacity }: Machine, rooms: ReadonlyMap<PeerId, Amounts>, wanted: Amounts): void {
    const room = rooms.get(peer) ?? NOTHING
    const near = RESOURCES.filter(
      each => wanted[each] > 0 && wanted[each] > room[each] && room[each] < this.#policy.hysteresis * capacity[each]
    )
    if (near.length > 0) this.#closed.set(peer, new Set([...(this.#closed.get(peer) ?? []), ...near]))
  }

  #reopen(machines: readonly Machine[], rooms: ReadonlyMap<PeerId, Amounts>): void {
    const known = new Map(machines.map(machine => [machine.peer, machine]))
    for (const [peer, resources] of this.#closed) {
      const machine = known.get(peer)
      const room = rooms.get(peer) ?? NOTHING
      const still = [...resources].filter(each => machine !== undefined && room[each] < this.#policy.hysteresis * machine.capacity[each])
      if (still.length === 0) this.#closed.delete(peer)
      else this.#closed.set(peer, new Set(still))
    }
  }

  /** What must be free on a machine before it takes on new work. */
  #reopening({ capacity }: Machine, closed: ReadonlySet<Resource>): Amounts {
    const of = (resource: Resource): number => (closed.has(resource) ? this.#policy.hysteresis * capacity[resource] : 0)
    return { cpus: of('cpus'), memoryBytes: of('memoryBytes'), diskBytes: of('diskBytes') }
  }

  #isClosedFor(peer: PeerId, { predicted }: Queued): boolean {
    const resources = this.#closed.get(peer)
    return resources !== undefined && RESOURCES.some(each => predicted[each] > 0 && resources.has(each))
  }

  #start({ id, predicted, predictedMs, leaseMs }: Ask, peer: PeerId, nowMs: number): void {
    this.#active.set(id, { peer, predicted, predictedMs, startedAtMs: nowMs, endsAtMs: nowMs + leaseMs })
    const others = this.#byPeer.get(peer)
    if (others === undefined) this.#byPeer.set(peer, new Set([id]))
    else others.add(id)
  }

  #inOrder(nowMs: number): Queued[] {
    return [...this.#queue.values()].sort((a, b) => compareWaiting(a, b, this.#policy.order, nowMs) || (a.id < b.id ? -1 : 1))
  }

  #on(peer: PeerId): Active[] {
    return [...(this.#byPeer.get(peer) ?? [])].flatMap(id => this.#active.get(id) ?? [])
  }

  #limits({ capacity }: Machine): Amounts {
    return shareOf(capacity, this.#policy.targets)
  }

  /** What may still be admitted now; below 0 where the machine is over its target. */
  #roomOn(machine: Machine, nowMs: number): Amounts {
    return plus(this.#limits(machine), futureUse(machine, this.#on(machine.peer), nowMs), -1)
  }

  #future(machine: Machine, nowMs: number): Room {
    const ends = this.#on(machine.peer).map(({ predicted, predictedMs, startedAtMs }) => ({
      amounts: predicted,
      atMs: startedAtMs + predictedMs
    }))
    const closed = this.#closed.get(machine.peer)
    const reopensAt = closed === undefined ? undefined : this.#reopening(machine, closed)
    return { peer: machine.peer, free: this.#roomOn(machine, nowMs), ends, reopensAt }
  }

  #isFresh({ ageMs, isSelf }: Machine): boolean {
    return isSelf || ageMs <= this.#policy.staleAfterMs
  }
}

function isAsked({ pinnedTo }: Pick<Ask, 'pinnedTo'>, { peer }: Machine): boolean {
  return pinnedTo === undefined || pinnedTo === peer
}

/** What is scarcest on the machine that lacks the least; undefined where one has it all, so that only those ahead are in the way, or where there is none. */
function lackOf(wanted: Queued | undefined, rooms: readonly Room[]): Lack | undefined {
  const lacks = rooms
    .filter(({ peer }) => wanted !== undefined && (wanted.pinnedTo ?? peer) === peer)
    .map(({ peer, free, reopensAt = NOTHING }) =>
      RESOURCES.filter(resource => (wanted?.predicted[resource] ?? 0) > 0)
        .map(resource => ({
          peer,
          resource,
          needed: Math.max(wanted?.predicted[resource] ?? 0, wanted?.reservedOn === peer ? 0 : reopensAt[resource]),
          free: Math.max(0, free[resource])
        }))
        .toSorted((a, b) => missingShare(b) - missingShare(a))
        .at(0)
    )
    .filter(lack => lack !== undefined)
    .toSorted((a, b) => missingShare(a) - missingShare(b))
  const [least] = lacks
  return least === undefined || missingShare(least) <= 0 ? undefined : least
}

function missingShare({ needed, free }: Lack): number {
  return (needed - free) / needed
}
