import type { PeerAddress } from '../model/control.ts'
import type { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'
import type { Random } from '../model/random.ts'
import { type ClusterId, formatClusterId } from './cluster-id.ts'
import { afterFailure, dueTargets, firstDialMs, type Target } from './dial-plan.ts'

export interface MeshComponents {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  /** Whether there is a connection now. */
  readonly isConnected: (peer: PeerId) => boolean
  readonly dialPeer: (peer: PeerId, options: { signal: AbortSignal }) => Promise<void>
  /** As `Libp2pTransport.dialSeed`: resolves with who answered. */
  readonly dialSeed: (seed: ClusterId, options: { signal: AbortSignal }) => Promise<PeerId>
}

/** How often due dials are looked for; a dial that became due is at most so late. */
const TICK_MS = 250
/** How long the side with the larger id waits when it has something to say: the other one's dial takes a few milliseconds on a LAN. */
const HURRY_WAIT_MS = 500

/**
 * Keeps this peer connected to every member and to the seeds: dials who is not connected, for ever, with a growing wait. Of two members the one
 * with the smaller id dials, the other waits, so that there is one connection and not two.
 */
export class Mesh implements Startable {
  readonly #components: MeshComponents
  readonly #targets = new Map<string, Target>()
  #members: ReadonlySet<string> = new Set()
  readonly #seeds = new Map<string, ClusterId>()
  /** Who answered at a seed's address, once known. */
  readonly #seedPeers = new Map<string, PeerId>()
  readonly #dialling = new Map<string, Promise<void>>()
  #stopping: AbortController | undefined
  #timer: Disposable | undefined
  /** A wrong secret is wrong for all the others alike: one word is enough, until a dial has gone well. */
  #warnedOfSecret = false

  constructor(seeds: readonly ClusterId[], components: MeshComponents) {
    this.#components = components
    for (const { address, peer } of seeds) {
      const key = formatClusterId({ address, peer })
      if (peer === components.self) continue
      this.#seeds.set(key, { address, peer })
      if (peer !== undefined) this.#seedPeers.set(key, peer)
    }
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) return
    this.#stopping = new AbortController()
    const nowMs = this.#components.clock.nowMs()
    for (const key of this.#seeds.keys()) this.#targets.set(key, { key, dueMs: nowMs, failures: 0 })
    for (const id of this.#members) this.#targets.set(id, { key: id, dueMs: firstDialMs(this.#components.self, id, nowMs), failures: 0 })
    this.#timer = this.#components.clock.every(TICK_MS, () => this.#tick())
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#stopping?.abort()
    this.#stopping = undefined
    await Promise.all(this.#dialling.values())
    this.#targets.clear()
  }

  /** The peers to stay connected to, beside the seeds. May be called before the start. */
  setMembers(members: readonly PeerAddress[]): void {
    const { self, clock } = this.#components
    const before = this.#members
    this.#members = new Set(members.map(({ id }) => id).filter(id => id !== self))
    for (const id of before) if (!this.#members.has(id)) this.#targets.delete(id)
    const nowMs = clock.nowMs()
    for (const id of this.#members) {
      if (!this.#targets.has(id)) this.#targets.set(id, { key: id, dueMs: firstDialMs(self, id, nowMs), failures: 0 })
    }
    this.#tick()
  }

  /** A message for `peer` found no connection: do not wait long for the other side, unless dials have failed just now. */
  hurry(peer: PeerId): void {
    const { self, clock } = this.#components
    const nowMs = clock.nowMs()
    const target = this.#targets.get(peer) ?? { key: peer, dueMs: firstDialMs(self, peer, nowMs), failures: 0 }
    if (target.failures > 0) return
    this.#targets.set(peer, { ...target, dueMs: Math.min(target.dueMs, nowMs + HURRY_WAIT_MS) })
    this.#tick()
  }

  /** The last connection to `peer` has closed. */
  onDisconnected(peer: PeerId): void {
    const { self, clock } = this.#components
    if (this.#members.has(peer)) this.#targets.set(peer, { key: peer, dueMs: firstDialMs(self, peer, clock.nowMs()), failures: 0 })
    for (const [key, answered] of this.#seedPeers) {
      if (answered === peer && this.#seeds.has(key))
        this.#targets.set(key, { key, dueMs: firstDialMs(self, peer, clock.nowMs()), failures: 0 })
    }
  }

  #tick(): void {
    if (this.#stopping === undefined) return
    const { clock } = this.#components
    const nowMs = clock.nowMs()
    const open = [...this.#targets.values()].filter(({ key }) => !this.#isConnected(key))
    for (const target of dueTargets(open, { busy: new Set(this.#dialling.keys()), nowMs })) {
      const dial = this.#dial(target, this.#stopping.signal).finally(() => this.#dialling.delete(target.key))
      this.#dialling.set(target.key, dial)
    }
  }

  #isConnected(key: string): boolean {
    const peer = this.#seeds.has(key) ? this.#seedPeers.get(key) : (key as PeerId)
    return peer !== undefined && this.#components.isConnected(peer)
  }

  async #dial(target: Target, signal: AbortSignal): Promise<void> {
    const { self, dialPeer, dialSeed, clock, random, log } = this.#components
    const seed = this.#seeds.get(target.key)
    try {
      if (seed === undefined) await dialPeer(target.key as PeerId, { signal })
      else {
        const peer = await dialSeed(seed, { signal })
        this.#seedPeers.set(target.key, peer)
        if (peer === self) this.#forgetSeed(target.key)
      }
      this.#warnedOfSecret = false
      this.#settle(target.key, current => ({ ...current, failures: 0 }))
    } catch (error) {
      const { code, message, hint, details } = error as CaresError
      if (seed !== undefined && details['self'] === true) this.#forgetSeed(target.key)
      const isOtherSecret = code === 'unauthorized'
      // The first failure of a seed is worth a word; that it goes on is not.
      const isNews = isOtherSecret ? !this.#warnedOfSecret : seed !== undefined && target.failures === 0
      if (isNews && !signal.aborted) {
        this.#warnedOfSecret ||= isOtherSecret
        log.warn(
          { target: target.key, code, reason: message, hint },
          isOtherSecret ? 'a peer answers, but has another secret' : 'seed not reached'
        )
      } else log.debug({ target: target.key, code }, 'dial failed')
      this.#settle(target.key, current => afterFailure(current, clock.nowMs(), random))
    }
  }

  /** Keeps what a dial to a member or seed taught; one to anybody else was for once. */
  #settle(key: string, change: (current: Target) => Target): void {
    const current = this.#targets.get(key)
    if (current === undefined) return
    if (this.#members.has(key) || this.#seeds.has(key)) this.#targets.set(key, change(current))
    else this.#targets.delete(key)
  }

  #forgetSeed(key: string): void {
    this.#seeds.delete(key)
    this.#targets.delete(key)
  }
}
