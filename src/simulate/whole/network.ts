import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import { abortedWait } from '../../network/wait.ts'
import type { World } from '../world.ts'
import { type End, Link } from './link.ts'
import { Pipe, type WireQuality, Wires } from './wires.ts'

/** Who takes part: one life of a peer. */
export interface Host extends End {
  onConnected(peer: PeerId): void
}

/** What the network of one run is like. */
export interface NetworkKnobs {
  readonly wires: WireQuality
  /** A connection over which nothing comes for so long is given up by both ends. */
  readonly keepAliveMs: number
  /** Chance that a gossiped message is not received. */
  readonly gossipLossRatio: number
}

/** A dial that meets silence tries again so soon. */
const REDIAL_MS = 250

/** The connections between the peers of one world, and what befalls them. */
export class SimulatedMesh {
  readonly wires: Wires
  /** Connections that have closed under somebody. */
  resetsCount = 0
  readonly #world: World
  readonly #knobs: NetworkKnobs
  readonly #hosts = new Map<PeerId, Host>()
  readonly #links = new Map<string, Link>()
  /** Connections whose last word is on its way. */
  readonly #closing = new Set<Link>()

  constructor(world: World, knobs: NetworkKnobs) {
    this.#world = world
    this.#knobs = knobs
    this.wires = new Wires(world, knobs.wires)
  }

  join(host: Host): void {
    // Whoever still holds a connection to an earlier life learns that nobody knows it there.
    for (const link of this.#linksOf(host.peer)) this.reset(link)
    this.#hosts.set(host.peer, host)
  }

  /** A process ends in order, or is killed: its kernel sends what was written, and then says that the connections are closed. */
  leave(host: Host): void {
    if (this.#hosts.get(host.peer) === host) this.#hosts.delete(host.peer)
    for (const link of this.#linksOf(host.peer)) {
      if (!link.ends.includes(host)) continue
      this.#links.delete(linkName(link))
      this.#closing.add(link)
      const other = link.other(host.peer)
      link.pipe(host.peer).carry(() => {
        this.#closing.delete(link)
        link.close()
        link.loseEnd(other)
      })
    }
  }

  /** A machine loses its power: nobody is told. */
  vanish(host: Host): void {
    if (this.#hosts.get(host.peer) === host) this.#hosts.delete(host.peer)
  }

  link(a: PeerId, b: PeerId): Link | undefined {
    return this.#links.get(pairName(a, b))
  }

  connected(peer: PeerId): readonly PeerId[] {
    return this.#linksOf(peer)
      .map(link => link.other(peer).peer)
      .sort()
  }

  /** Both ends hear that their connection is gone, each in its time: until then it takes in what the other has written before. */
  reset(link: Link): void {
    this.#links.delete(linkName(link))
    this.resetsCount += 1
    for (const end of link.ends) this.#world.after(this.wires.delayMs(end.peer, link.other(end.peer).peer), () => link.loseEnd(end))
  }

  /**
   * One end gives a connection up, and may make another; the other end hears of that only `lateMs` from now, and until then takes in what was written to
   * it, late.
   */
  halfOpen(link: Link, from: PeerId, lateMs: number): void {
    link.pipe(from).stall(lateMs / 2)
    this.#world.after(lateMs / 4, () => {
      if (this.#links.get(linkName(link)) !== link) return
      this.#links.delete(linkName(link))
      this.resetsCount += 1
      for (const end of link.ends) {
        if (end.peer === from) link.loseEnd(end)
        else this.#world.after((lateMs * 3) / 4, () => link.loseEnd(end))
      }
    })
  }

  /** To be called after every change of silences and freezes. */
  review(): void {
    for (const link of this.#links.values()) {
      const [a, b] = link.ends
      const isStuck = this.#isSilent(a.peer, b.peer) || a.process.isFrozen || b.process.isFrozen || b.process.isDead || a.process.isDead
      if (!isStuck) link.stuckSinceMs = undefined
      else if (link.stuckSinceMs === undefined) this.#watch(link)
      link.resume()
    }
    for (const link of this.#closing) link.resume()
  }

  #watch(link: Link): void {
    const sinceMs = this.#world.nowMs
    link.stuckSinceMs = sinceMs
    this.#world.after(this.#knobs.keepAliveMs * this.#world.between(0.7, 1.3), () => {
      if (link.stuckSinceMs === sinceMs && this.#links.get(linkName(link)) === link) this.reset(link)
    })
  }

  /** Connects; resolves in the dialler's process. Throws `peer_unreachable` when nobody listens there, or within the signal. */
  dial(from: Host, to: PeerId, { signal }: { signal: AbortSignal }): Promise<Link> {
    const { promise, resolve, reject } = Promise.withResolvers<Link>()
    const onAbort = (): void => {
      forget()
      reject(abortedWait(signal, to))
    }
    const unlisten = (): void => {
      forget()
      signal.removeEventListener('abort', onAbort)
    }
    const forget = this.#world.atEnd(unlisten)
    signal.addEventListener('abort', onAbort, { once: true })
    const attempt = (): void => {
      if (signal.aborted || from.process.isDead) return
      const known = this.link(from.peer, to)
      const host = this.#hosts.get(to)
      if (known === undefined && (this.#isSilent(from.peer, to) || from.process.isFrozen || host?.process.isFrozen === true)) {
        this.#world.after(REDIAL_MS, attempt)
        return
      }
      const link = known ?? (host === undefined ? undefined : this.#connect(from, host))
      from.process.enter(() => {
        unlisten()
        if (link === undefined) reject(new CaresError('peer_unreachable', `${to} refuses the connection`, { retryable: true }))
        else resolve(link)
      })
    }
    this.#world.after(2 * this.wires.delayMs(from.peer, to), attempt)
    return promise
  }

  /** Carries a gossiped message to all that can be reached over connections, by way of peers that pass it on. */
  flood(from: PeerId, receive: (host: Host) => void): void {
    const delays = new Map([[from, 0]])
    for (const [peer, delayMs] of delays) {
      if (peer !== from && this.#hosts.get(peer)?.process.isFrozen === true) continue
      for (const next of this.connected(peer)) {
        if (delays.has(next) || this.wires.isSilent(peer, next)) continue
        if (!this.#world.chance(this.#knobs.gossipLossRatio)) delays.set(next, delayMs + this.wires.delayMs(peer, next))
      }
    }
    delays.delete(from)
    for (const [peer, delayMs] of delays) {
      this.#world.after(delayMs, () => {
        const host = this.#hosts.get(peer)
        host?.process.enter(() => receive(host))
      })
    }
  }

  #connect(a: Host, b: Host): Link {
    const { wires } = this
    const link = new Link(
      [a, b],
      new Map([
        [a.peer, new Pipe(this.#world, wires, { from: a.peer, to: b.peer, receiver: b.process })],
        [b.peer, new Pipe(this.#world, wires, { from: b.peer, to: a.peer, receiver: a.process })]
      ])
    )
    this.#links.set(linkName(link), link)
    a.process.enter(() => a.onConnected(b.peer))
    b.process.enter(() => b.onConnected(a.peer))
    return link
  }

  #isSilent(a: PeerId, b: PeerId): boolean {
    return this.wires.isSilent(a, b) || this.wires.isSilent(b, a)
  }

  #linksOf(peer: PeerId): readonly Link[] {
    return [...this.#links.values()].filter(link => link.has(peer))
  }
}

function linkName({ ends: [a, b] }: Link): string {
  return pairName(a.peer, b.peer)
}

function pairName(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
