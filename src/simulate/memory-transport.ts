import { CaresError } from '../model/errors.ts'
import type { ConsensusMessage } from '../model/consensus.ts'
import type { PeerAddress } from '../model/control.ts'
import type { PeerId } from '../model/ids.ts'
import type { ClusterDigest, Heartbeat } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Channel, ChannelHandler, ProtocolName, Protocols, Transport, TransportEvents } from '../model/ports/transport.ts'
import { diallerChannel } from '../network/channel.ts'
import { Handlers } from '../network/handlers.ts'
import { createLanePair, type LanePair } from './lane-pair.ts'
import { LocalExchanges } from '../network/local-exchanges.ts'
import { Listeners } from '../network/listeners.ts'
import { encodeOrLog, speaksForItself } from '../network/outgoing.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { abortedWait } from '../network/wait.ts'
import type { Codec } from '../wire/codec.ts'
import { type ConsensusFrame, consensusCodec } from '../wire/consensus-codec.ts'
import { digestCodec, heartbeatCodec } from '../wire/gossip-codec.ts'

export interface MemoryNetworkInit {
  /** How long a message is on its way, in milliseconds; null loses it (consensus and gossip only: lanes are reliable). @default 0 */
  readonly delayMs?: ((from: PeerId, to: PeerId) => number | null) | undefined
}

/**
 * Peers that reach each other in memory, through the same codecs, windows and limits as over libp2p. Everything is carried when the clock says
 * so, in the order sent, and a message that takes no time still waits for the clock's next turn: with a virtual clock, runs can be replayed.
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #delayMs: (from: PeerId, to: PeerId) => number | null
  readonly #running = new Map<PeerId, MemoryTransport>()
  readonly #links = new Map<string, Link>()
  readonly #cut = new Set<string>()
  readonly #silenced = new Map<string, PromiseWithResolvers<void>>()

  constructor({ delayMs = () => 0 }: MemoryNetworkInit, { clock, log }: { clock: Clock; log: Logger }) {
    this.#clock = clock
    this.#log = log
    this.#delayMs = delayMs
  }

  /** The transport of one peer. It takes part between its start and its stop. */
  transport(self: PeerId): Transport {
    return new MemoryTransport(self, this, this.#log)
  }

  /** Separates two peers: their connection closes and no new one can be made. */
  cut(a: PeerId, b: PeerId): void {
    this.#cut.add(linkKey(a, b))
    this.#close(a, b)
  }

  /** Undoes `cut`: members connect again. */
  heal(a: PeerId, b: PeerId): void {
    this.#cut.delete(linkKey(a, b))
    this.#running.get(a)?.connectMembers()
    this.#running.get(b)?.connectMembers()
  }

  /** The connection of two peers stands, and nothing goes through it; gossip from one to the other is lost. */
  silence(a: PeerId, b: PeerId): void {
    const key = linkKey(a, b)
    if (!this.#silenced.has(key)) this.#silenced.set(key, Promise.withResolvers())
  }

  /** Undoes `silence`: all that was on its way arrives. */
  unsilence(a: PeerId, b: PeerId): void {
    const key = linkKey(a, b)
    this.#silenced.get(key)?.resolve()
    this.#silenced.delete(key)
  }

  /** @internal */
  join(transport: MemoryTransport): void {
    this.#running.set(transport.self, transport)
    for (const other of this.#running.values()) other.connectMembers()
  }

  /** @internal */
  leave(transport: MemoryTransport): void {
    if (!this.#running.delete(transport.self)) return
    for (const remote of this.connected(transport.self)) this.#close(transport.self, remote)
  }

  /** @internal The connection of two peers, made if it can be. */
  connect(a: PeerId, b: PeerId): Link | undefined {
    const key = linkKey(a, b)
    const existing = this.#links.get(key)
    const [from, to] = [this.#running.get(a), this.#running.get(b)]
    if (existing !== undefined || from === undefined || to === undefined || this.#cut.has(key) || a === b) return existing
    const link = new Link(a, b, {
      carry: (sender, receiver) => this.carrier(sender, receiver),
      accept: (name, exchange, receiver, sender) => this.#running.get(receiver)?.handlers.serve(name, exchange, sender)
    })
    this.#links.set(key, link)
    from.listeners.emit('connected', b)
    to.listeners.emit('connected', a)
    return link
  }

  /** @internal */
  connected(peer: PeerId): readonly PeerId[] {
    return [...this.#links.values()].flatMap(({ a, b }) => (a === peer ? [b] : b === peer ? [a] : [])).sort()
  }

  /** @internal Carries a message to one connected peer. */
  deliver(from: PeerId, to: PeerId, task: (receiver: MemoryTransport) => void): void {
    const link = this.connect(from, to)
    const delayMs = this.#delayMs(from, to)
    if (link === undefined || delayMs === null) return
    link.carry(
      from,
      delayMs
    )(() => {
      const receiver = this.#running.get(to)
      if (receiver !== undefined) task(receiver)
    })
  }

  /** @internal Carries a message to every peer that can be reached from `from` over connections. */
  flood(from: PeerId, task: (receiver: MemoryTransport) => void): void {
    const reached = new Set([from])
    for (const peer of reached) for (const next of this.connected(peer)) reached.add(next)
    reached.delete(from)
    for (const to of reached) {
      const delayMs = this.#delayMs(from, to)
      if (delayMs === null || this.#silenced.has(linkKey(from, to))) continue
      void this.#clock.sleep(delayMs).then(() => {
        const receiver = this.#running.get(to)
        if (receiver !== undefined) task(receiver)
      })
    }
  }

  #close(a: PeerId, b: PeerId): void {
    const key = linkKey(a, b)
    const link = this.#links.get(key)
    if (link === undefined) return
    this.#links.delete(key)
    link.close()
    this.#running.get(a)?.listeners.emit('disconnected', b)
    this.#running.get(b)?.listeners.emit('disconnected', a)
  }

  /** @internal One way from one peer to another, in order. */
  carrier(from: PeerId, to: PeerId): (task: () => void, delayMs?: number) => void {
    let last: Promise<unknown> = Promise.resolve()
    return (task, delayMs = this.#delayMs(from, to) ?? 0) => {
      last = Promise.all([last, this.#clock.sleep(delayMs)]).then(() => this.#heard(from, to, task))
    }
  }

  /** Carries out `task` at once, or as soon as the peers hear each other again. */
  #heard(from: PeerId, to: PeerId, task: () => void): void | Promise<void> {
    const silenced = this.#silenced.get(linkKey(from, to))
    return silenced === undefined ? task() : silenced.promise.then(() => this.#heard(from, to, task))
  }
}

type DelayedCarry = (task: () => void, delayMs?: number) => void

interface LinkInit {
  readonly carry: (from: PeerId, to: PeerId) => DelayedCarry
  readonly accept: (name: ProtocolName, exchange: Parameters<Handlers['serve']>[1], receiver: PeerId, sender: PeerId) => void
}

/** The connection of two peers: a lane for each protocol and direction. */
class Link {
  readonly a: PeerId
  readonly b: PeerId
  readonly #init: LinkInit
  readonly #carries: ReadonlyMap<PeerId, DelayedCarry>
  readonly #lanes = new Map<string, LanePair>()
  #closed = false

  constructor(a: PeerId, b: PeerId, init: LinkInit) {
    this.a = a
    this.b = b
    this.#init = init
    this.#carries = new Map([
      [a, init.carry(a, b)],
      [b, init.carry(b, a)]
    ])
  }

  /** Carries what `from` sends, unless the connection closes first. */
  carry(from: PeerId, delayMs?: number): (task: () => void) => void {
    return task =>
      this.#carries.get(from)?.(() => {
        if (!this.#closed) task()
      }, delayMs)
  }

  lane(name: ProtocolName, from: PeerId): LanePair {
    const key = `${name} ${from}`
    const existing = this.#lanes.get(key)
    if (existing !== undefined) return existing
    const to = from === this.a ? this.b : this.a
    const lane = createLanePair(exchange => this.#init.accept(name, exchange, to, from), {
      forth: this.carry(from),
      back: this.carry(to)
    })
    this.#lanes.set(key, lane)
    return lane
  }

  close(): void {
    this.#closed = true
    for (const lane of this.#lanes.values()) lane.cut()
  }
}

/** One peer's end of a {@link MemoryNetwork}. */
class MemoryTransport implements Transport {
  readonly self: PeerId
  readonly listeners = new Listeners()
  readonly handlers: Handlers
  readonly #network: MemoryNetwork
  readonly #log: Logger
  #running = false
  #members: readonly PeerAddress[] = []
  readonly #local: LocalExchanges

  constructor(self: PeerId, network: MemoryNetwork, log: Logger) {
    this.self = self
    this.#network = network
    this.#log = log
    this.handlers = new Handlers(log)
    this.#local = new LocalExchanges(this)
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#network.join(this)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#network.leave(this)
    this.#local.cut()
  }

  addresses(): readonly string[] {
    return [`/memory/${this.self}`]
  }

  connected(): readonly PeerId[] {
    return this.#network.connected(this.self)
  }

  async open<Name extends ProtocolName>(
    protocol: Name,
    peer: PeerId,
    { signal }: { signal: AbortSignal }
  ): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>> {
    if (signal.aborted) throw abortedWait(signal, peer)
    await untilAborted(Promise.resolve(), signal)
    if (!this.#running) throw new CaresError('stopping', 'the transport is not running')
    if (peer === this.self) return this.#local.open(protocol)
    const lane = this.#network.connect(this.self, peer)?.lane(protocol, this.self)
    if (lane === undefined) throw new CaresError('peer_unreachable', `${peer} cannot be reached`, { retryable: true })
    return diallerChannel(protocol, lane.open(), peer)
  }

  handle<Name extends ProtocolName>(protocol: Name, handler: ChannelHandler<Name>): void {
    this.handlers.set(protocol, handler)
  }

  on<Name extends keyof TransportEvents>(event: Name, handler: TransportEvents[Name], options: { signal: AbortSignal }): void {
    this.listeners.on(event, handler, options)
  }

  sendConsensus(to: PeerId, message: ConsensusMessage): void {
    this.#sendFrame(to, { type: 'consensus', message })
  }

  sendReport(to: PeerId, heartbeat: Heartbeat): void {
    this.#sendFrame(to, { type: 'report', heartbeat })
  }

  publishHeartbeat(heartbeat: Heartbeat): void {
    this.#flood(heartbeatCodec, heartbeat, (to, copy) => to.listeners.emit('heartbeat', this.self, copy, 'gossip'))
  }

  publishDigest(digest: ClusterDigest): void {
    this.#flood(digestCodec, digest, (to, copy) => to.listeners.emit('digest', this.self, copy))
  }

  setMembers(members: readonly PeerAddress[]): void {
    this.#members = members
    this.connectMembers()
  }

  /** Its network needs no addresses. */
  learn(): void {}

  /** @internal */
  connectMembers(): void {
    if (!this.#running) return
    for (const { id } of this.#members) this.#network.connect(this.self, id)
  }

  #sendFrame(to: PeerId, frame: ConsensusFrame): void {
    const bytes = encodeOrLog(consensusCodec, frame, this.#log)
    if (!this.#running || bytes === undefined) return
    this.#network.deliver(this.self, to, receiver => {
      const copy = consensusCodec.decode(bytes)
      if (copy.type === 'consensus') receiver.listeners.emit('consensus', this.self, copy.message)
      else if (speaksForItself(copy.heartbeat, this.self)) receiver.listeners.emit('heartbeat', this.self, copy.heartbeat, 'report')
    })
  }

  #flood<Value extends Heartbeat | ClusterDigest>(
    codec: Codec<Value>,
    value: Value,
    receive: (receiver: MemoryTransport, copy: Value) => void
  ): void {
    const bytes = encodeOrLog(codec, value, this.#log)
    if (!this.#running || bytes === undefined || !speaksForItself(value, this.self)) return
    this.#network.flood(this.self, receiver => receive(receiver, codec.decode(bytes)))
  }
}

function linkKey(a: PeerId, b: PeerId): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
