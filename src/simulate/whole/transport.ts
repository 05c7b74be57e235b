import type { ConsensusMessage } from '../../model/consensus.ts'
import type { PeerAddress } from '../../model/control.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { ClusterDigest, Heartbeat } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Channel, ChannelHandler, ProtocolName, Protocols, Transport, TransportEvents } from '../../model/ports/transport.ts'
import { diallerChannel } from '../../network/channel.ts'
import type { Exchange } from '../../network/exchange.ts'
import { Handlers } from '../../network/handlers.ts'
import { Listeners } from '../../network/listeners.ts'
import { encodeOrLog, speaksForItself } from '../../network/outgoing.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { abortedWait } from '../../network/wait.ts'
import type { Codec } from '../../wire/codec.ts'
import { type ConsensusFrame, consensusCodec } from '../../wire/consensus-codec.ts'
import { digestCodec, heartbeatCodec } from '../../wire/gossip-codec.ts'
import type { World } from '../world.ts'
import { Lane } from './lane.ts'
import type { Host, SimulatedMesh } from './network.ts'
import type { Process } from './process.ts'
import { type Tap, tapChannel } from './tap.ts'

/** What one life of a peer has for its {@link SimulatedTransport}. */
export interface TransportComponents {
  readonly world: World
  readonly mesh: SimulatedMesh
  readonly process: Process
  readonly clock: Clock
  readonly log: Logger
  /** Sees every consensus message that leaves. */
  readonly onConsensus: (message: ConsensusMessage) => void
  /** Hears every message of every exchange. */
  readonly tap: Tap
}

/** Members that are not connected are dialled so often. */
const MESH_TICK_MS = 250
const MESH_DIAL_MS = 2_000
/** Consensus messages that wait for one silent peer; more are dropped, as production drops them. */
const HELD_MAX = 256

/** One life of a peer on a {@link SimulatedMesh}, with the production codecs, muxes and handlers. */
export class SimulatedTransport implements Transport, Host {
  readonly self: PeerId
  readonly process: Process
  readonly #components: TransportComponents
  readonly #listeners = new Listeners()
  readonly #handlers: Handlers
  readonly #own = new Map<ProtocolName, Lane>()
  readonly #dialling = new Set<PeerId>()
  #members: readonly PeerId[] = []
  #timer: Disposable | undefined

  constructor(self: PeerId, components: TransportComponents) {
    this.self = self
    this.process = components.process
    this.#components = components
    this.#handlers = new Handlers(components.log)
  }

  get peer(): PeerId {
    return this.self
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    this.#components.mesh.join(this)
    this.#timer = this.#components.clock.every(MESH_TICK_MS, () => this.#dialMembers())
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined || this.process.isDead) return
    this.#timer[Symbol.dispose]()
    this.#timer = undefined
    for (const peer of this.connected()) this.#components.mesh.link(this.self, peer)?.loseEnd(this)
    this.#components.mesh.leave(this)
    for (const lane of this.#own.values()) {
      lane.lose('dialler')
      lane.lose('acceptor')
    }
    this.#own.clear()
  }

  addresses(): readonly string[] {
    return [`/memory/${this.self}`]
  }

  connected(): readonly PeerId[] {
    return this.#components.mesh.connected(this.self)
  }

  async open<Name extends ProtocolName>(
    protocol: Name,
    peer: PeerId,
    { signal }: { signal: AbortSignal }
  ): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>> {
    if (signal.aborted) throw abortedWait(signal, peer)
    await untilAborted(Promise.resolve(), signal)
    if (this.#timer === undefined) throw new CaresError('stopping', 'the transport is not running')
    const exchange = peer === this.self ? this.#openOwn(protocol) : (await this.#link(peer, signal)).open(protocol, this.self)
    return tapChannel(diallerChannel(protocol, exchange, peer), protocol, 'dials', this.#components.tap)
  }

  handle<Name extends ProtocolName>(protocol: Name, handler: ChannelHandler<Name>): void {
    this.#handlers.set(protocol, channel => handler(tapChannel(channel, protocol, 'serves', this.#components.tap)))
  }

  on<Name extends keyof TransportEvents>(event: Name, handler: TransportEvents[Name], options: { signal: AbortSignal }): void {
    this.#listeners.on(event, handler, options)
  }

  sendConsensus(to: PeerId, message: ConsensusMessage): void {
    if (!this.process.isDead) this.#components.onConsensus(message)
    this.#sendFrame(to, { type: 'consensus', message })
  }

  sendReport(to: PeerId, heartbeat: Heartbeat): void {
    this.#sendFrame(to, { type: 'report', heartbeat })
  }

  publishHeartbeat(heartbeat: Heartbeat): void {
    this.#flood(heartbeatCodec, heartbeat, (to, copy) => to.#listeners.emit('heartbeat', this.self, copy, 'gossip'))
  }

  publishDigest(digest: ClusterDigest): void {
    this.#flood(digestCodec, digest, (to, copy) => to.#listeners.emit('digest', this.self, copy))
  }

  setMembers(members: readonly PeerAddress[]): void {
    this.#members = members.map(({ id }) => id).filter(id => id !== this.self)
    this.#dialMembers()
  }

  /** Its mesh needs no addresses. */
  learn(): void {}

  /** As `Host`. */
  accept(protocol: ProtocolName, exchange: Exchange, from: PeerId): void {
    this.#handlers.serve(protocol, exchange, from)
  }

  onConnected(peer: PeerId): void {
    this.#listeners.emit('connected', peer)
  }

  onDisconnected(peer: PeerId): void {
    this.#listeners.emit('disconnected', peer)
  }

  async #link(peer: PeerId, signal: AbortSignal): ReturnType<SimulatedMesh['dial']> {
    const { mesh } = this.#components
    return mesh.link(this.self, peer) ?? mesh.dial(this, peer, { signal })
  }

  #dialMembers(): void {
    if (this.#timer === undefined || this.process.isDead) return
    const { mesh, clock, log } = this.#components
    for (const peer of this.#members) {
      if (this.#dialling.has(peer) || mesh.link(this.self, peer) !== undefined) continue
      this.#dialling.add(peer)
      void mesh
        .dial(this, peer, { signal: clock.timeout(MESH_DIAL_MS) })
        .catch((err: unknown) => log.debug({ err, peer }, 'dial failed'))
        .finally(() => this.#dialling.delete(peer))
    }
  }

  #sendFrame(to: PeerId, frame: ConsensusFrame): void {
    const bytes = encodeOrLog(consensusCodec, frame, this.#components.log)
    const link = this.#components.mesh.link(this.self, to)
    if (link === undefined || bytes === undefined || this.#timer === undefined || this.process.isDead) return
    const pipe = link.pipe(this.self)
    if (pipe.heldCount >= HELD_MAX) return
    const receiver = link.other(this.self) as SimulatedTransport
    pipe.carry(() => {
      const copy = consensusCodec.decode(bytes)
      if (copy.type === 'consensus') receiver.#listeners.emit('consensus', this.self, copy.message)
      else if (speaksForItself(copy.heartbeat, this.self)) receiver.#listeners.emit('heartbeat', this.self, copy.heartbeat, 'report')
    })
  }

  #flood<Value extends Heartbeat | ClusterDigest>(
    codec: Codec<Value>,
    value: Value,
    receive: (receiver: SimulatedTransport, copy: Value) => void
  ): void {
    const bytes = encodeOrLog(codec, value, this.#components.log)
    if (bytes === undefined || this.#timer === undefined || this.process.isDead || !speaksForItself(value, this.self)) return
    this.#components.mesh.flood(this.self, host => receive(host as SimulatedTransport, codec.decode(bytes)))
  }

  #openOwn(protocol: ProtocolName): Exchange {
    const { world, process } = this.#components
    const known = this.#own.get(protocol)
    if (known !== undefined) return known.open()
    const carry = (task: () => void): void => void world.after(0, () => process.enter(task))
    const lane = new Lane(exchange => this.#handlers.serve(protocol, exchange, this.self), { forth: carry, back: carry })
    this.#own.set(protocol, lane)
    return lane.open()
  }
}
