import { connectionChanged, setMembers, setOrchestrator, setSelf, tick } from '../../core/membership/changes.ts'
import { heard, heardDigest } from '../../core/membership/heard.ts'
import { createView, type MembershipEvent, type MembershipState, type MembershipStep } from '../../core/membership/state.ts'
import { view } from '../../core/membership/view.ts'
import type { PeerAddress } from '../../model/control.ts'
import { closest } from '../../model/closest.ts'
import { assertNever, CaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId, Term } from '../../model/ids.ts'
import type { ClusterDigest, Heartbeat, PeerLife, PeerProfile, PeerState, PeerStats, PeerView } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Timings } from '../../model/presets.ts'
import { shortId } from '../../model/short-id.ts'
import type { EventLog } from '../telemetry/event-log.ts'

/** Peers are checked for silence at this fraction of the shortest silence that counts. */
const LOOK_RATIO = 1 / 8
/** Shortest part of a peer id that names a peer. */
const ID_PREFIX_MIN = 6
/** Peers whose addresses are known. Over it, the one learned first that is no member is forgotten. */
const LEARNED_MAX = 512

export interface MembersComponents {
  readonly clock: Clock
  readonly events: EventLog
  readonly cluster: () => ClusterUid | null
  /** Memory that this peer has promised on another, in office, to work outside CARES. */
  readonly admittedOn: (peer: PeerId) => number
  /** Called when a peer is somewhere else than it was. */
  readonly onAddresses: () => void
  /** Called after each change of what is known. */
  readonly onChange: (views: readonly PeerView[]) => void
}

/** What this peer knows of all peers, from every word that reaches it. */
export class Members implements Startable {
  readonly #components: MembersComponents
  readonly #timings: Timings
  readonly #addresses = new Map<PeerId, readonly string[]>()
  /** What peers were called when they were last heard, be it in an earlier life of this one. */
  readonly #names = new Map<PeerId, string>()
  /** The latest lives that were heard of, kept over a restart: who comes with an earlier one runs on a disk from a backup. */
  readonly #lives = new Map<PeerId, PeerLife>()
  readonly #skewsMs = new Map<PeerId, number>()
  #state: MembershipState
  #views: readonly PeerView[] = []
  #timer: Disposable | undefined

  constructor(init: { self: PeerProfile; timings: Timings; addresses: readonly PeerAddress[] }, components: MembersComponents) {
    this.#components = components
    this.#timings = init.timings
    this.#state = createView({ self: init.self, stats: UNSAMPLED, timings: init.timings, nowMs: components.clock.nowMs() })
    for (const { id, addresses, name, life } of init.addresses) {
      this.#addresses.set(id, addresses)
      if (name !== undefined) this.#names.set(id, name)
      if (life !== undefined) this.#lives.set(id, life)
    }
    this.#views = view(this.#state, this.#nowMs)
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(this.#timings.suspectAfterMs * LOOK_RATIO, () =>
      this.#step(tick(this.#state, this.#nowMs))
    )
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** Sorted by id; this peer is among them. */
  views(): readonly PeerView[] {
    return this.#views
  }

  self(): PeerView {
    const own = this.#views.find(({ profile }) => profile.id === this.#state.self)
    if (own === undefined) throw new CaresError('internal', 'a peer does not know itself')
    return own
  }

  stateOf(peer: PeerId): PeerState {
    return this.#views.find(({ profile }) => profile.id === peer)?.state ?? 'gone'
  }

  /** Until a peer has told its name, the end of its id: a name made of it might not be the one that it was given. */
  nameOf(peer: PeerId): string {
    return this.#views.find(({ profile }) => profile.id === peer)?.profile.name ?? this.#names.get(peer) ?? shortId(peer)
  }

  /** What those of these peers were called, by id, that are not in the view: they have not been heard since this peer started, or are forgotten. */
  formerNames(peers: readonly PeerId[]): Readonly<Record<PeerId, string>> {
    const unseen = peers.filter(peer => !this.#views.some(({ profile }) => profile.id === peer))
    return Object.fromEntries(
      unseen.flatMap(peer => {
        const name = this.#names.get(peer)
        return name === undefined ? [] : [[peer, name]]
      })
    )
  }

  /** What a peer has told of itself since this one started; undefined for one that it has not heard. */
  profileOf(peer: PeerId): PeerProfile | undefined {
    return this.#views.find(({ profile }) => profile.id === peer)?.profile
  }

  /** The latest life of a peer that this one has heard of, in this or an earlier one of its own; undefined for one that it does not know. */
  lifeOf(peer: PeerId): PeerLife | undefined {
    return this.#lives.get(peer)
  }

  /** Whether a peer that says this of itself runs on a disk that was restored or copied: what is agreed is not to be learned from it. */
  isOutdated({ id, session, startedAt }: Pick<PeerProfile, 'id' | 'session' | 'startedAt'>): boolean {
    const known = this.#lives.get(id)
    return known !== undefined && (session < known.session || (session === known.session && startedAt !== known.startedAt))
  }

  /** Where these peers were last known to be. Peers of which nothing is known are left out. */
  addressesOf(peers: readonly PeerId[]): readonly PeerAddress[] {
    return peers.flatMap(id => {
      const addresses = this.#addresses.get(id)
      const name = this.#names.get(id)
      const life = this.#lives.get(id)
      if (addresses === undefined) return []
      return [{ id, addresses, ...(name === undefined ? {} : { name }), ...(life === undefined ? {} : { life }) }]
    })
  }

  /**
   * The peer meant by an id, the start of one, or a name. Throws `not_found` with the closest name, `conflict` when several fit. With `past` it may be one
   * that has not been seen since this peer started, or is forgotten.
   */
  resolve(idOrName: string, { past = false }: { past?: boolean } = {}): PeerId {
    const fits = this.#views.filter(
      ({ profile: { id, name } }) => id === idOrName || name === idOrName || (idOrName.length >= ID_PREFIX_MIN && id.startsWith(idOrName))
    )
    const [first, second] = fits.filter(({ state }) => state !== 'gone').length === 0 ? fits : fits.filter(({ state }) => state !== 'gone')
    if (first !== undefined && second === undefined) return first.profile.id
    if (first !== undefined)
      throw new CaresError('conflict', `several peers are called ${idOrName}`, { hint: 'name it by its id: cares peers -o wide' })
    const [earlier, another] = past ? this.#named(idOrName) : []
    if (earlier !== undefined && another === undefined) return earlier
    const similar = closest(
      idOrName,
      this.#views.map(({ profile }) => profile.name)
    )
    throw new CaresError('not_found', `no peer named ${idOrName}`, {
      hint: similar === undefined ? 'list the peers: cares peers' : `closest name: ${similar}`
    })
  }

  /** All peers that had this id, name or start of an id, even those that are forgotten. */
  #named(idOrName: string): readonly PeerId[] {
    const ids = new Set([...this.#state.members, ...this.#names.keys()])
    return [...ids].filter(
      id => id === idOrName || this.#names.get(id) === idOrName || (idOrName.length >= ID_PREFIX_MIN && id.startsWith(idOrName))
    )
  }

  /** This peer's own newest sample. */
  sampled(profile: PeerProfile, stats: PeerStats): void {
    this.#addresses.set(profile.id, profile.addresses)
    this.#step(setSelf(this.#state, profile, stats, this.#nowMs))
  }

  /** A peer's word, by report or gossip. Words of other clusters are not for us. */
  heard(from: PeerId, heartbeat: Heartbeat, via: 'report' | 'gossip'): void {
    if (heartbeat.cluster !== this.#components.cluster() || heartbeat.profile.id !== from) return
    this.learn(heartbeat.profile)
    const { clock } = this.#components
    // Messages take well under a second: what is more is the clocks'.
    if (heartbeat.sentAtMs !== undefined) this.#skewsMs.set(from, Date.parse(clock.timestamp()) - heartbeat.sentAtMs)
    this.#step(heard(this.#state, from, heartbeat, via, this.#nowMs))
  }

  /** Takes in the orchestrator's summary. Returns whether it was news. */
  heardDigest(from: PeerId, digest: ClusterDigest): boolean {
    if (digest.cluster !== this.#components.cluster()) return false
    for (const { profile } of digest.peers)
      if (!this.#addresses.has(profile.id) || profile.session > (this.#lives.get(profile.id)?.session ?? 0)) this.learn(profile)
    const before = this.#state.digest
    this.#step(heardDigest(this.#state, from, digest, this.#nowMs))
    return this.#state.digest !== before
  }

  connectionChanged(peer: PeerId, connected: boolean): void {
    this.#step(connectionChanged(this.#state, peer, connected, this.#nowMs))
  }

  /** Where a peer is, what it is called, and which life this is; of one that asks to join, before its first heartbeat comes. */
  learn({ id, addresses, name, session, startedAt }: Pick<PeerProfile, 'id' | 'addresses' | 'name' | 'session' | 'startedAt'>): void {
    const isNewLife = session > (this.#lives.get(id)?.session ?? 0)
    if (!isNewLife && this.#names.get(id) === name && this.#addresses.get(id)?.join() === addresses.join()) return
    this.#addresses.set(id, addresses)
    this.#names.set(id, name)
    // The first of one number stays: another one of that number is of another disk.
    if (isNewLife) this.#lives.set(id, { session, startedAt })
    if (this.#addresses.size > LEARNED_MAX) {
      const stranger = this.#addresses.keys().find(other => other !== id && !this.#state.members.has(other))
      this.#addresses.delete(stranger ?? id)
      this.#names.delete(stranger ?? id)
      this.#lives.delete(stranger ?? id)
      this.#skewsMs.delete(stranger ?? id)
    }
    this.#components.onAddresses()
  }

  /** How far this peer's wall clock is ahead of another's, by that one's newest heartbeat (its time on the way included); 0: not known. */
  skewMs(peer: PeerId): number {
    return this.#skewsMs.get(peer) ?? 0
  }

  /** The same for each peer that is there. */
  skewsMs(): readonly number[] {
    return this.#views.flatMap(({ profile: { id }, state }) => (state === 'gone' ? [] : (this.#skewsMs.get(id) ?? [])))
  }

  /** What the log says of the cluster's members. */
  setMembers(members: readonly PeerId[], draining: ReadonlySet<string>): void {
    this.#step(setMembers(this.#state, members, draining, this.#nowMs))
  }

  setOrchestrator(orchestrator: PeerId | null, term: Term): void {
    this.#step(setOrchestrator(this.#state, orchestrator, term, this.#nowMs))
  }

  /** The summary that an orchestrator gossips. */
  digest(seq: number): ClusterDigest | null {
    const cluster = this.#components.cluster()
    const { self: orchestrator, term } = this.#state
    if (cluster === null) return null
    const peers = view(this.#state, this.#nowMs).map(({ profile, stats, ageMs, state }) => {
      const admittedMemoryBytes = this.#components.admittedOn(profile.id) || undefined
      return { profile, stats, ageMs, state, admittedMemoryBytes }
    })
    return { cluster, orchestrator, term, seq, peers }
  }

  get #nowMs(): number {
    return this.#components.clock.nowMs()
  }

  #step({ state, events }: MembershipStep): void {
    if (state === this.#state && events.length === 0) return
    this.#state = state
    this.#refresh()
    for (const event of events) this.#emit(event)
  }

  #refresh(): void {
    this.#views = view(this.#state, this.#nowMs)
    this.#components.onChange(this.#views)
  }

  #emit(event: MembershipEvent): void {
    const { events } = this.#components
    const { peer, name } = event
    switch (event.type) {
      case 'joined':
        return events.emit('peer:joined', { peer, name })
      case 'returned':
        return events.emit('peer:returned', { peer, name })
      case 'suspected':
        return events.emit('peer:suspected', { peer, name, silentMs: event.silentMs })
      case 'gone':
        return events.emit('peer:gone', { peer, name, reason: event.reason })
      case 'drain-changed':
        return events.emit('peer:drain-changed', { peer, name, draining: event.draining })
      default:
        return assertNever(event)
    }
  }
}

/** What a peer says of itself before its first sample. */
const UNSAMPLED: PeerStats = {
  seq: 0,
  cpusUsed: 0,
  memoryUsedBytes: 0,
  diskUsedBytes: 0,
  cpusReserved: 0,
  memoryReservedBytes: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  warm: [],
  images: [],
  draining: false,
  runtimeReady: false,
  term: 0,
  seenOrders: {}
}
