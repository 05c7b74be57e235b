import { CaresError } from '../../model/errors.ts'
import type { PeerId, Session } from '../../model/ids.ts'
import type { PeerProfile, PeerStats, PeerView } from '../../model/peer.ts'
import { ARCH_MASK, archBits, CELL, Cells, IS_ALIVE, IS_DRAINING, IS_READY, IS_WORKER } from './cells.ts'
import { CPUS_TOLERANCE } from './constants.ts'
import { cpusBusy } from './cpus-busy.ts'
import { HASHES, hashText } from './hash-text.ts'
import { homesOf } from './homes.ts'
import { Ledger, type Reservation } from './ledger.ts'
import { Sheet } from './sheet.ts'
import { type SlotIndex, SlotIndexes } from './slot-index.ts'

/** Peers of one table. A peer's view holds far fewer; the rest is for simulations of large clusters. */
export const TABLE_PEERS_MAX = 16_384

/** Functions whose homes are kept. They are found again in microseconds per thousand peers. */
const HOMES_KEPT_MAX = 1_024

/** What {@link PlacementTable.reserve} needs to know of an order. */
export type TableReservation = Omit<Reservation, 'session'>

/**
 * What a placer knows, ready to be read by `place`: every peer's statistics with the placer's own unseen orders on top. It is kept up as
 * words of peers come in, so a placement builds nothing. Deterministic: the same calls in the same order give the same table.
 */
export class PlacementTable {
  /** The placer. */
  readonly self: PeerId
  /** By slot. Slots are 0 to `size - 1`; a removal moves the last peer into the free one. For `place` and its parts only. */
  readonly cells = new Cells()
  readonly profiles: PeerProfile[] = []
  readonly #stats: PeerStats[] = []
  /** By slot, the hash of the id. */
  #idHashes = new Uint32Array(this.cells.capacity)
  readonly #slots = new Map<PeerId, number>()
  readonly #idle = new SlotIndexes()
  readonly #images = new SlotIndexes()
  readonly #ledger = new Ledger()
  /** By `functionKey`, so that a placement takes no name apart. */
  readonly #homes = new Map<string, readonly number[]>()
  #sheet = new Sheet(this.cells.capacity)
  #ids: PeerId[] = []
  /** Somebody reads the ids as they are now, later. */
  #areIdsLent = false
  #selfSlot = -1
  /** The turn that the last order took. */
  #turn = 0

  constructor(self: PeerId) {
    this.self = self
  }

  get size(): number {
    return this.#ids.length
  }

  /** By slot. */
  get ids(): readonly PeerId[] {
    return this.#ids
  }

  /** The same, to be kept: they stay as they are, whoever comes and goes. */
  lendIds(): readonly PeerId[] {
    this.#areIdsLent = true
    return this.#ids
  }

  /** Takes over a whole view: adds and updates the peers in it, removes all others. Costs next to nothing for peers without news. */
  sync(views: readonly PeerView[], nowMs: number): void {
    for (const view of views) this.update(view, nowMs)
    if (this.size === views.length) return
    const kept = new Set(views.map(({ profile }) => profile.id))
    for (const id of this.#ids.filter(id => !kept.has(id))) this.remove(id)
  }

  /** Adds a peer, or replaces what is known of it. Throws `limit_reached` beyond {@link TABLE_PEERS_MAX} peers. */
  update({ profile, stats: said, state, ageMs }: PeerView, nowMs: number): void {
    const { cells } = this
    const slot = this.#slots.get(profile.id) ?? this.#add(profile, said)
    const known = this.#stats[slot]
    // A correction may have come since this was said.
    const isOld = known !== undefined && known.seq > said.seq && this.profiles[slot]?.session === profile.session
    const stats = isOld ? known : said
    const before = cells.get(slot, CELL.flags)
    const arch = this.profiles[slot]?.arch === profile.arch && before !== 0 ? before & ARCH_MASK : archBits(profile.arch)
    const flags =
      (state === 'alive' || state === 'draining' ? IS_ALIVE : 0) |
      (state === 'draining' || stats.draining ? IS_DRAINING : 0) |
      (profile.runtime !== 'none' && stats.runtimeReady ? IS_READY : 0) |
      (profile.runtime !== 'none' && state !== 'gone' ? IS_WORKER : 0) |
      arch
    cells.set(slot, CELL.flags, flags)
    if (((before ^ flags) & IS_WORKER) !== 0) this.#homes.clear()
    if (isOld) return
    cells.set(slot, CELL.heardAtMs, nowMs - ageMs)
    if (this.#stats[slot] !== stats || this.profiles[slot] !== profile) this.#take(slot, profile, stats, nowMs - ageMs)
  }

  /** Takes over a worker's word about itself that has not come by a view. Ignored for unknown peers, other sessions, and if it is no news. */
  correct(peer: PeerId, session: Session, stats: PeerStats, nowMs: number): void {
    const slot = this.#slots.get(peer)
    const profile = slot === undefined ? undefined : this.profiles[slot]
    if (slot === undefined || profile?.session !== session || (this.#stats[slot]?.seq ?? 0) >= stats.seq) return
    const flags = this.cells.get(slot, CELL.flags)
    this.cells.set(slot, CELL.flags, (flags & ~IS_READY) | (stats.draining ? IS_DRAINING : 0) | (stats.runtimeReady ? IS_READY : 0))
    this.cells.set(slot, CELL.heardAtMs, nowMs)
    this.#take(slot, profile, stats, nowMs)
  }

  #take(slot: number, profile: PeerProfile, stats: PeerStats, heardAtMs: number): void {
    const { cells } = this
    this.#reindex(slot, this.#stats[slot], stats)
    this.profiles[slot] = profile
    this.#stats[slot] = stats
    cells.set(slot, CELL.cpus, profile.capacity.cpus)
    cells.set(slot, CELL.cpusBusy, cpusBusy(profile, stats))
    cells.set(slot, CELL.usdPerHour, profile.usdPerHour)
    cells.set(slot, CELL.memoryBytes, profile.capacity.memoryBytes)
    cells.set(slot, CELL.llcBytes, stats.llc === undefined || stats.llc.mode === 'none' ? 0 : stats.llc.bytes)
    cells.set(slot, CELL.llcHeldBytes, stats.llc?.expectedBytes ?? 0)
    this.#ledger.seen(profile.id, profile.session, stats.seenOrders[this.self], heardAtMs)
    this.#overlay(slot)
  }

  /** Forgets a peer. Orders it has stay in the ledger until they are released. */
  remove(peer: PeerId): void {
    const slot = this.#slots.get(peer)
    if (slot === undefined) return
    const last = this.size - 1
    this.#unindex(slot)
    this.#slots.delete(peer)
    if (slot === this.#selfSlot) this.#selfSlot = -1
    if (slot !== last) this.#moveLastTo(slot)
    this.#ownIds().pop()
    this.profiles.pop()
    this.#stats.pop()
    this.cells.set(last, CELL.flags, 0)
    this.#homes.clear()
  }

  /** How many times longer than on a reference machine things take there, above 0; from the predictor. Ignored for unknown peers. */
  setSlowness(peer: PeerId, factor: number): void {
    const slot = this.#slots.get(peer)
    if (slot !== undefined) this.cells.set(slot, CELL.slowness, factor)
  }

  /** Memory that is promised to work outside CARES on a peer: nobody else gets it. Ignored for unknown peers. */
  setOutside(peer: PeerId, memoryBytes: number): void {
    const slot = this.#slots.get(peer)
    if (slot !== undefined) this.cells.set(slot, CELL.outsideMemoryBytes, memoryBytes)
  }

  /** Takes over from another table whose turn it is, see the strategy `round-robin`. */
  takeTurnsOf(other: PlacementTable): void {
    this.#turn = other.#turn
    for (const [id, slot] of this.#slots) {
      const known = other.#slots.get(id)
      this.cells.set(slot, CELL.turn, known === undefined ? other.#turn : other.cells.get(known, CELL.turn))
    }
  }

  /** Enters an order, to be called before it is sent; the number goes into it. Throws `overloaded` when too many are out. */
  reserve({ worker, function: fn, cpus, memoryBytes, llcBytes, start }: TableReservation, nowMs: number): number {
    const slot = this.#slots.get(worker)
    const session = slot === undefined ? 0 : (this.profiles[slot]?.session ?? 0)
    const order = this.#ledger.reserve({ worker, session, function: fn, cpus, memoryBytes, llcBytes, start }, nowMs)
    this.#overlay(slot)
    if (slot !== undefined) this.#takeTurn(slot)
    return order
  }

  /** Ends an order, however it ended. A second call does nothing. */
  release(order: number): void {
    const worker = this.#ledger.release(order)
    if (worker !== undefined) this.#overlay(this.#slots.get(worker))
  }

  /** The session to order from; undefined for an unknown peer. */
  session(peer: PeerId): Session | undefined {
    const slot = this.#slots.get(peer)
    return slot === undefined ? undefined : this.profiles[slot]?.session
  }

  /** The placer's own slot; -1 while it is not in the table. */
  get selfSlot(): number {
    return this.#selfSlot
  }

  slotOf(peer: PeerId): number | undefined {
    return this.#slots.get(peer)
  }

  /** Slots with idle containers of a function (see `functionKey`), as their workers say. */
  idle(fn: string): SlotIndex | undefined {
    return this.#idle.get(fn)
  }

  /** Workers whose idle containers own unseen orders have claimed. */
  claims(fn: string): ReadonlyMap<PeerId, number> | undefined {
    return this.#ledger.claims(fn)
  }

  /** Slots that have an image. */
  withImage(digest: string): SlotIndex | undefined {
    return this.#images.get(digest)
  }

  /** Slots of a function's homes, see `homesOf`. Its revisions have the same homes: there is the older image, which shares layers. */
  homes(fn: string): readonly number[] {
    let homes = this.#homes.get(fn)
    if (homes === undefined) {
      const name = fn.slice(0, fn.lastIndexOf('@') + 1)
      homes = homesOf(hashText(name), this.#ids, this.#idHashes, slot => (this.cells.get(slot, CELL.flags) & IS_WORKER) !== 0)
      if (this.#homes.size >= HOMES_KEPT_MAX) this.#homes.clear()
      this.#homes.set(fn, homes)
    }
    return homes
  }

  /** Working space for one placement at a time, as wide as the table. */
  sheet(): Sheet {
    if (this.#sheet.capacity < this.cells.capacity) this.#sheet = new Sheet(this.cells.capacity)
    return this.#sheet
  }

  /** The age of the oldest statistics among the peers that the last placement has looked at; 0 for none. For `Receipt.viewAgeMs`. */
  oldestLookedAtMs(nowMs: number): number {
    const { slots, count } = this.#sheet
    let oldestMs = 0
    for (let row = 0; row < count; row++) oldestMs = Math.max(oldestMs, nowMs - this.cells.get(slots[row] ?? 0, CELL.heardAtMs))
    return oldestMs
  }

  #add(profile: PeerProfile, stats: PeerStats): number {
    const slot = this.size
    if (slot >= TABLE_PEERS_MAX) throw new CaresError('limit_reached', `a placement table holds at most ${TABLE_PEERS_MAX} peers`)
    this.cells.grow(slot + 1)
    this.cells.clear(slot)
    if (this.#idHashes.length < this.cells.capacity) {
      const wider = new Uint32Array(this.cells.capacity)
      wider.set(this.#idHashes)
      this.#idHashes = wider
    }
    const hash = hashText(profile.id)
    this.#idHashes[slot] = hash
    this.cells.set(slot, CELL.place, hash / HASHES)
    this.cells.set(slot, CELL.slowness, 1)
    this.cells.set(slot, CELL.turn, this.#turn)
    this.#ownIds().push(profile.id)
    this.profiles.push(profile)
    // Not the statistics themselves, so that `update` sees them as news.
    this.#stats.push({ ...stats, warm: [], images: [] })
    this.#slots.set(profile.id, slot)
    if (profile.id === this.self) this.#selfSlot = slot
    return slot
  }

  #moveLastTo(slot: number): void {
    const last = this.size - 1
    const id = this.#ids[last]
    const profile = this.profiles[last]
    const stats = this.#stats[last]
    if (id === undefined || profile === undefined || stats === undefined) return
    this.#unindex(last)
    this.cells.move(last, slot)
    this.#idHashes[slot] = this.#idHashes[last] ?? 0
    this.#ownIds()[slot] = id
    this.profiles[slot] = profile
    this.#stats[slot] = stats
    this.#slots.set(id, slot)
    if (id === this.self) this.#selfSlot = slot
    this.#index(slot)
  }

  /** The ids, to be changed: a copy, if somebody still reads them as they were. */
  #ownIds(): PeerId[] {
    if (this.#areIdsLent) this.#ids = [...this.#ids]
    this.#areIdsLent = false
    return this.#ids
  }

  #index(slot: number): void {
    for (const { function: fn, idle } of this.#stats[slot]?.warm ?? []) if (idle > 0) this.#idle.set(fn, slot, idle)
    for (const digest of this.#stats[slot]?.images ?? []) this.#images.set(digest, slot, 1)
  }

  /** What two words of a peer have in common stays where it is: most of it, each time. */
  #reindex(slot: number, before: PeerStats | undefined, now: PeerStats): void {
    const images = before?.images ?? []
    if (images !== now.images && !isSame(images, now.images)) {
      for (const digest of images) this.#images.delete(digest, slot)
      for (const digest of now.images) this.#images.set(digest, slot, 1)
    }
    const warmBefore = before?.warm ?? []
    for (let i = 0; i < warmBefore.length; i++) {
      const was = warmBefore[i]
      const is = now.warm[i]
      if (was !== undefined && was.idle > 0 && !(is?.function === was.function && is.idle > 0)) this.#idle.delete(was.function, slot)
    }
    for (let i = 0; i < now.warm.length; i++) {
      const was = warmBefore[i]
      const is = now.warm[i]
      if (is !== undefined && is.idle > 0 && (was?.function !== is.function || was.idle !== is.idle))
        this.#idle.set(is.function, slot, is.idle)
    }
  }

  #unindex(slot: number): void {
    for (const { function: fn } of this.#stats[slot]?.warm ?? []) this.#idle.delete(fn, slot)
    for (const digest of this.#stats[slot]?.images ?? []) this.#images.delete(digest, slot)
  }

  /** Who could not have work for a while does not get all of it afterwards: missed turns are gone. */
  #takeTurn(slot: number): void {
    this.#turn = Math.max(this.#turn, this.cells.get(slot, CELL.turn))
    this.cells.set(slot, CELL.turn, this.#turn + 1 / Math.max(CPUS_TOLERANCE, this.cells.get(slot, CELL.cpus)))
  }

  #overlay(slot: number | undefined): void {
    const id = slot === undefined ? undefined : this.#ids[slot]
    const stats = slot === undefined ? undefined : this.#stats[slot]
    if (slot === undefined || id === undefined || stats === undefined) return
    const { milliCpus, memoryBytes, coldMilliCpus, coldMemoryBytes, llcBytes } = this.#ledger.unseen(id)
    const { cpusReserved, cpusEvictable = 0, memoryReservedBytes, memoryEvictableBytes = 0 } = stats
    // An idle container that has been claimed is not given up for other work any more.
    const warmCpus = (milliCpus - coldMilliCpus) / 1_000
    const warmMemoryBytes = memoryBytes - coldMemoryBytes
    const cpusHeld = Math.max(0, cpusReserved - Math.max(0, cpusEvictable - warmCpus)) + coldMilliCpus / 1_000
    const memoryHeldBytes = Math.max(0, memoryReservedBytes - Math.max(0, memoryEvictableBytes - warmMemoryBytes)) + coldMemoryBytes
    this.cells.set(slot, CELL.cpusHeld, cpusHeld)
    this.cells.set(slot, CELL.memoryHeldBytes, memoryHeldBytes)
    this.cells.set(slot, CELL.unseenCpus, milliCpus / 1_000)
    this.cells.set(slot, CELL.unseenLlcBytes, llcBytes)
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}
