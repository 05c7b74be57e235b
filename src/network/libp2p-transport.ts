import { randomInt } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import type { ConsensusMessage } from '../model/consensus.ts'
import type { PeerAddress } from '../model/control.ts'
import { CaresError } from '../model/errors.ts'
import type { Digest, PeerId } from '../model/ids.ts'
import type { ClusterDigest, Heartbeat } from '../model/peer.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ImageDirectory } from '../model/ports/image-directory.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Channel, ChannelHandler, ProtocolName, Protocols, Transport, TransportEvents } from '../model/ports/transport.ts'
import { createRandom } from '../model/random.ts'
import { withoutPeer } from './addresses.ts'
import { AddressBook } from './address-book.ts'
import { Answered } from './answered.ts'
import { type ClusterId, formatClusterId, parseSecret } from './cluster-id.ts'
import { ConnectionMonitor } from './connection-monitor.ts'
import { ConsensusStreams } from './consensus-streams.ts'
import { toStartError } from './dial-error.ts'
import { Dialler, type DiallerComponents } from './dialler.ts'
import { Gossip } from './gossip.ts'
import { Handlers } from './handlers.ts'
import { createImageDirectory } from './image-directory.ts'
import { Hearing } from './hearing.ts'
import { readIdentity, readPrivateKey } from './identity.ts'
import { Lanes } from './lanes.ts'
import type { Libp2pLogLevel } from './libp2p-logger.ts'
import { Listeners } from './listeners.ts'
import { Mesh } from './mesh.ts'
import { pingMuxer } from './muxer-ping.ts'
import { createNode, type Node, STREAMS_MAX } from './node.ts'
import { OwnAddresses } from './own-addresses.ts'
import { peerIdReader } from './peer-ids.ts'
import { checkAddress, toPeerId } from './parse-address.ts'
import { CONSENSUS_PROTOCOL, LANE_PROTOCOL_NAMES, LANE_PROTOCOLS, STREAM_PROTOCOL_NAMES } from './protocols.ts'
import { StreamChannel } from './stream-channel.ts'

export interface Libp2pTransportInit {
  /** As in `Identity`. */
  readonly privateKey: Uint8Array
  /** Multiaddrs to listen on; port 0 takes a free one. */
  readonly listen: readonly string[]
  /** Multiaddrs that others are told, instead of those found. @default [] */
  readonly announce?: readonly string[] | undefined
  /** Peers to find the cluster by. They are tried for ever. @default [] */
  readonly bootstrap?: readonly ClusterId[] | undefined
  /** Of a private cluster: only peers with the same one can connect. @default open */
  readonly secret?: string | undefined
  /** Longest a dial may take, in milliseconds. Higher: slow networks work. Lower: the next address or peer is tried sooner. @default 2_000 */
  readonly dialMs?: number | undefined
  /** How much libp2p itself logs. @default 'warn' */
  readonly logLevel?: Libp2pLogLevel | undefined
}

/** The transport of production, with what a peer needs to find its cluster. */
export interface Libp2pTransport extends Transport, ImageDirectory {
  /**
   * Connects to a seed and says who answered. Throws `unauthorized` (another secret), `conflict` (another peer answers, or the seed is this peer),
   * `peer_unreachable`.
   */
  dialSeed(seed: ClusterId, options: { signal: AbortSignal }): Promise<PeerId>
  /** What another peer needs to join, secret included; null while no address is known. */
  clusterId(): string | null
}

/** Longest the closing of connections may take at a stop; then they are cut. A peer that is to be gone within 10 s has one for this. */
const STOP_MS_MAX = 1_000

/** A transport over libp2p (TCP, noise, yamux, gossipsub). Throws `invalid` for a key, an address or a secret that cannot be read. Not started. */
export async function createLibp2pTransport(
  init: Libp2pTransportInit,
  { clock, log }: { clock: Clock; log: Logger }
): Promise<Libp2pTransport> {
  const { announce = [], bootstrap = [], secret, dialMs = 2_000, logLevel = 'warn' } = init
  for (const address of [...init.listen, ...announce]) checkAddress(address)
  if (secret !== undefined) parseSecret(secret)
  const identity = readIdentity(init.privateKey)
  const answered = new Answered()
  const node = await createNode(
    {
      privateKey: readPrivateKey(init.privateKey),
      listen: init.listen,
      announce,
      bootstrap,
      secret,
      dialMs,
      addressSorter: answered.compare,
      logLevel
    },
    { log: log.child('libp2p') }
  )
  return new NodeTransport(identity.id, node, { answered, bootstrap, secret, dialMs, clock, log })
}

interface NodeTransportComponents extends DiallerComponents {
  readonly bootstrap: readonly ClusterId[]
  readonly secret: string | undefined
  readonly log: Logger
}

class NodeTransport implements Libp2pTransport {
  readonly self: PeerId
  readonly #node: Node
  readonly #components: NodeTransportComponents
  readonly #dialler: Dialler
  readonly #listeners = new Listeners()
  readonly #handlers: Handlers
  readonly #lanes: Lanes
  readonly #hearing: Hearing
  readonly #consensus: ConsensusStreams
  readonly #gossip: Gossip
  readonly #mesh: Mesh
  readonly #monitor: ConnectionMonitor
  readonly #directory: ImageDirectory
  readonly #addresses: OwnAddresses
  readonly #addressBook: AddressBook
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(self: PeerId, node: Node, components: NodeTransportComponents) {
    const { bootstrap, clock, log } = components
    this.self = self
    this.#node = node
    this.#components = components
    const dialler = new Dialler(node, components)
    this.#dialler = dialler
    this.#addressBook = new AddressBook({ self, node, log })
    this.#handlers = new Handlers(log)
    this.#addresses = new OwnAddresses(() => node.getMultiaddrs().map(withoutPeer), { clock })
    this.#lanes = new Lanes({
      self,
      handlers: this.#handlers,
      log,
      clock,
      openStream: (protocol, peer) => dialler.openStream(LANE_PROTOCOLS[protocol].id, peer)
    })
    const idOf = peerIdReader()
    const isConnected = (peer: PeerId): boolean => node.getConnections(idOf(peer)).length > 0
    this.#mesh = new Mesh(bootstrap, {
      self,
      clock,
      log,
      random: createRandom(randomInt(2 ** 47)),
      isConnected,
      dialPeer: (peer, options) => dialler.dialPeer(peer, options),
      dialSeed: (seed, options) => dialler.dialSeed(seed, options)
    })
    const hearing = new Hearing(clock)
    this.#hearing = hearing
    this.#consensus = new ConsensusStreams({
      self,
      listeners: this.#listeners,
      hearing,
      clock,
      log,
      isConnected,
      openStream: peer => dialler.openStream(CONSENSUS_PROTOCOL, peer),
      missed: peer => this.#mesh.hurry(peer)
    })
    this.#monitor = new ConnectionMonitor({
      clock,
      log,
      connected: () => this.connected(),
      heardAtMs: peer => hearing.atMs(peer),
      ping: async (peer, options) => {
        const connection = node.getConnections(idOf(peer)).find(({ status }) => status === 'open')
        // To one that is closing anyway, a ping would dial anew.
        if (connection === undefined) return
        if (!(await pingMuxer(connection, options))) await node.services.ping.ping(idOf(peer), options)
      },
      cut: (peer, reason) => node.getConnections(idOf(peer)).forEach(connection => connection.abort(reason))
    })
    this.#directory = createImageDirectory(node.contentRouting, log)
    this.#gossip = new Gossip({ self, pubsub: node.services.pubsub, listeners: this.#listeners, hearing, log })
  }

  async start(): Promise<void> {
    if (this.#state === 'running') return
    if (this.#state === 'stopped') throw new CaresError('internal', 'a stopped transport cannot start again')
    this.#state = 'running'
    this.#watchConnections()
    const limits = { maxInboundStreams: STREAMS_MAX, maxOutboundStreams: STREAMS_MAX }
    try {
      for (const name of LANE_PROTOCOL_NAMES) {
        const accept = (...args: Parameters<Parameters<Node['handle']>[1]>): void => this.#lanes.accept(name, ...args)
        await this.#node.handle(LANE_PROTOCOLS[name].id, accept, limits)
      }
      for (const name of STREAM_PROTOCOL_NAMES) {
        const serve = (stream: Stream, { remotePeer }: Connection): void => this.#handlers.serveStream(name, stream, toPeerId(remotePeer))
        await this.#node.handle(LANE_PROTOCOLS[name].id, serve, limits)
      }
      await this.#node.handle(CONSENSUS_PROTOCOL, (stream, connection) => this.#consensus.read(stream, connection), limits)
      await this.#node.start()
      this.#gossip.start()
      await this.#mesh.start()
      await this.#monitor.start()
    } catch (cause) {
      await this.stop()
      throw toStartError(cause)
    }
  }

  async stop(): Promise<void> {
    if (this.#state !== 'running') return
    this.#state = 'stopped'
    await this.#monitor.stop()
    await this.#mesh.stop()
    this.#consensus.stop()
    const { clock, log } = this.#components
    const error = new CaresError('stopping', 'this peer is stopping')
    const lanes = this.#lanes.stop(error)
    await Promise.all(
      this.#node.getConnections().map(connection =>
        connection.close({ signal: clock.timeout(STOP_MS_MAX) }).catch((err: unknown) => {
          log.debug({ err }, 'connection cut')
          connection.abort(error)
        })
      )
    )
    // Together: only the node's stop ends a dial that a lane waits for.
    await Promise.all([lanes, this.#addressBook.close(), this.#node.stop()])
  }

  addresses(): readonly string[] {
    return this.#addresses.list
  }

  clusterId(): string | null {
    const [address] = this.addresses()
    return address === undefined ? null : formatClusterId({ address, peer: this.self, secret: this.#components.secret })
  }

  connected(): readonly PeerId[] {
    return this.#node.getPeers().map(toPeerId).sort()
  }

  async open<Name extends ProtocolName>(
    protocol: Name,
    peer: PeerId,
    options: { signal: AbortSignal }
  ): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>> {
    const hasOwnStreams: readonly ProtocolName[] = STREAM_PROTOCOL_NAMES
    if (hasOwnStreams.includes(protocol) && peer !== this.self) {
      const { id, up, down } = LANE_PROTOCOLS[protocol]
      return new StreamChannel(await this.#dialler.openStreamWithin(id, peer, options), { remote: peer, out: up, incoming: down })
    }
    return this.#lanes.open(protocol, peer, options)
  }

  handle<Name extends ProtocolName>(protocol: Name, handler: ChannelHandler<Name>): void {
    this.#handlers.set(protocol, handler)
  }

  on<Name extends keyof TransportEvents>(event: Name, handler: TransportEvents[Name], options: { signal: AbortSignal }): void {
    this.#listeners.on(event, handler, options)
  }

  sendConsensus(to: PeerId, message: ConsensusMessage): void {
    if (this.#state === 'running') this.#consensus.send(to, { type: 'consensus', message })
  }

  sendReport(to: PeerId, heartbeat: Heartbeat): void {
    if (this.#state === 'running') this.#consensus.send(to, { type: 'report', heartbeat })
  }

  publishHeartbeat(heartbeat: Heartbeat): void {
    if (this.#state === 'running') this.#gossip.publishHeartbeat(heartbeat)
  }

  publishDigest(digest: ClusterDigest): void {
    if (this.#state === 'running') this.#gossip.publishDigest(digest)
  }

  setMembers(members: readonly PeerAddress[]): void {
    // One that is nowhere cannot be dialled.
    void this.#addressBook.setMembers(members).then(somewhere => this.#mesh.setMembers(somewhere))
  }

  learn(peers: readonly PeerAddress[]): void {
    void this.#addressBook.learn(peers)
  }

  provide(digest: Digest): void {
    if (this.#state === 'running') this.#directory.provide(digest)
  }

  async providers(digest: Digest, options: { signal: AbortSignal }): Promise<readonly PeerId[]> {
    return this.#state === 'running' ? this.#directory.providers(digest, options) : []
  }

  async dialSeed(seed: ClusterId, options: { signal: AbortSignal }): Promise<PeerId> {
    return this.#dialler.dialSeed(seed, options)
  }

  #prove(connection: Connection): void {
    void this.#monitor.prove(toPeerId(connection.remotePeer), {
      ping: options => pingMuxer(connection, options),
      cut: reason => connection.abort(reason)
    })
  }

  #watchConnections(): void {
    const node = this.#node
    node.addEventListener('peer:connect', ({ detail }) => this.#listeners.emit('connected', toPeerId(detail)))
    node.addEventListener('peer:disconnect', ({ detail }) => {
      const peer = toPeerId(detail)
      this.#consensus.drop(peer)
      this.#hearing.forget(peer)
      this.#addressBook.forgetStranger(peer)
      this.#mesh.onDisconnected(peer)
      this.#listeners.emit('disconnected', peer)
    })
    node.addEventListener('connection:open', ({ detail }) => {
      for (const older of node.getConnections(detail.remotePeer)) if (older !== detail) this.#prove(older)
    })
    node.addEventListener('connection:close', ({ detail }) => {
      // When one of two connections closes, gossip over the other stays one-way for ever, unless identify runs again.
      const [left] = node.getConnections(detail.remotePeer)
      if (left === undefined || this.#state !== 'running') return
      void node.services.identify.identify(left).catch((err: unknown) => {
        this.#components.log.debug({ err, peer: detail.remotePeer.toString() }, 'identify failed')
      })
    })
  }
}
