import type { BlobDown, BlobUp } from '../blob-transfer.ts'
import type { ConsensusMessage } from '../consensus.ts'
import type { ControlAnswer, ControlRequest, PeerAddress } from '../control.ts'
import type { PeerId } from '../ids.ts'
import type { ImageDown, ImageUp } from '../image-transfer.ts'
import type { ExecuteDown, ExecuteUp, InvokeDown, InvokeUp } from '../invocation.ts'
import type { ClusterDigest, Heartbeat } from '../peer.ts'
import type { TaskAnswer, TaskAsk } from '../task.ts'
import type { TunnelDown, TunnelUp } from '../tunnel.ts'
import type { Startable } from './startable.ts'

/**
 * One exchange between two peers: a duplex of whole messages, with back-pressure both ways.
 *
 * An exchange ends well when both sides have called `end`. It ends badly when either side calls `abort` or the connection is lost: then
 * `signal` aborts, `receive` throws and `send` rejects, all with the same CaresError (`peer_lost` for a lost connection, else the remote's
 * code). Nothing that was received before is lost.
 */
export interface Channel<Out, In> {
  readonly remote: PeerId
  /** Aborted when the exchange has ended badly; its reason is a CaresError. */
  readonly signal: AbortSignal
  /** Resolves when the message is accepted for sending, which is once the window allows it. */
  send(message: Out): Promise<void>
  /** The next message, or undefined when the remote has ended its side. One reader at a time. */
  receive(): Promise<In | undefined>
  /** No more will be sent. */
  end(): void
  /** Ends both sides at once; the remote sees `code` and `message` of the reason. */
  abort(reason: Error): void
}

/** What each protocol's dialler sends, and what it gets back. The page of each is in `protocols/`. */
export interface Protocols {
  invoke: { up: InvokeUp; down: InvokeDown }
  execute: { up: ExecuteUp; down: ExecuteDown }
  control: { up: ControlRequest; down: ControlAnswer }
  task: { up: TaskAsk; down: TaskAnswer }
  image: { up: ImageUp; down: ImageDown }
  blob: { up: BlobUp; down: BlobDown }
  tunnel: { up: TunnelUp; down: TunnelDown }
}
/** One of the names in {@link Protocols}. */
export type ProtocolName = keyof Protocols

/** Serves one inbound exchange. A rejection aborts the channel with its error. */
export type ChannelHandler<Name extends ProtocolName> = (channel: Channel<Protocols[Name]['down'], Protocols[Name]['up']>) => Promise<void>

/** What a transport tells. Handlers must not throw and must return at once: enqueue, act later. */
export interface TransportEvents {
  consensus: (from: PeerId, message: ConsensusMessage) => void
  /** The peer's own word, direct (`report`, to the orchestrator only) or by gossip. `from` is authenticated. */
  heartbeat: (from: PeerId, heartbeat: Heartbeat, via: 'report' | 'gossip') => void
  digest: (from: PeerId, digest: ClusterDigest) => void
  connected: (peer: PeerId) => void
  /** The last connection to the peer has closed. */
  disconnected: (peer: PeerId) => void
}

/** How peers reach each other. Production: `network/` over libp2p. Tests and the simulator: in memory. */
export interface Transport extends Startable {
  readonly self: PeerId
  /** Multiaddrs that others can dial, without the `/p2p/…` part. */
  addresses(): readonly string[]
  connected(): readonly PeerId[]
  /** Opens an exchange; `self` is allowed and stays in memory. Throws `peer_unreachable` when the peer cannot be reached within the signal. */
  open<Name extends ProtocolName>(
    protocol: Name,
    peer: PeerId,
    options: { signal: AbortSignal }
  ): Promise<Channel<Protocols[Name]['up'], Protocols[Name]['down']>>
  handle<Name extends ProtocolName>(protocol: Name, handler: ChannelHandler<Name>): void
  on<Name extends keyof TransportEvents>(event: Name, handler: TransportEvents[Name], options: { signal: AbortSignal }): void
  /** Sends without waiting, in order, best effort: over the bound, or with no connection, the message is dropped and the peer dialled. */
  sendConsensus(to: PeerId, message: ConsensusMessage): void
  /** Sends this peer's statistics to one peer, on the consensus stream. Best effort. */
  sendReport(to: PeerId, heartbeat: Heartbeat): void
  publishHeartbeat(heartbeat: Heartbeat): void
  publishDigest(digest: ClusterDigest): void
  /** All the peers to stay connected to, in place of those named before; learns where they are, as {@link learn}. */
  setMembers(members: readonly PeerAddress[]): void
  /** Where these peers are, whoever the members are. Those of which no address is given keep what is known of them. */
  learn(peers: readonly PeerAddress[]): void
}
