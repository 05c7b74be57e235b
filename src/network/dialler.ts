import type { Connection, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { toCaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { withoutPeer } from './addresses.ts'
import type { Answered } from './answered.ts'
import { type ClusterId, formatClusterId } from './cluster-id.ts'
import { toDialError } from './dial-error.ts'
import { type Node, STREAMS_MAX } from './node.ts'
import { parsePeerId, toPeerId } from './parse-address.ts'
import { abortedWait } from './wait.ts'

export interface DiallerComponents {
  /** Told of each address at which somebody has answered. */
  readonly answered: Answered
  /** Longest a dial may take, in milliseconds. */
  readonly dialMs: number
  readonly clock: Clock
}

/** Opens connections to other peers, and streams over them. Throws as {@link toDialError} says. */
export class Dialler {
  readonly #node: Node
  readonly #components: DiallerComponents

  constructor(node: Node, components: DiallerComponents) {
    this.#node = node
    this.#components = components
  }

  /** Connects to a peer, at whatever address is known of it. */
  async dialPeer(peer: PeerId, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#dial(parsePeerId(peer), peer, signal)
  }

  /** Connects to a seed and says who has answered. */
  async dialSeed({ address, peer }: ClusterId, { signal }: { signal: AbortSignal }): Promise<PeerId> {
    const known = new Set(this.#node.getPeers().map(toPeerId))
    const connection = await this.#dial(multiaddr(formatClusterId({ address, peer })), address, signal)
    const answeredBy = toPeerId(connection.remotePeer)
    // By a name that libp2p did not know as that peer's: a second connection to it, which gossip would not survive the closing of later.
    const second = known.has(answeredBy) && this.#node.getConnections(connection.remotePeer).length > 1
    if (second) await connection.close({ signal })
    return answeredBy
  }

  /** A stream to a peer, over a new connection if need be. */
  async openStream(protocol: string, peer: PeerId): Promise<Stream> {
    const { clock, dialMs } = this.#components
    const connection = await this.#dial(parsePeerId(peer), peer, clock.timeout(dialMs))
    try {
      // Not the dial's signal: it would not cover the stream's life anyway, and negotiation has its own time.
      return await connection.newStream(protocol, { maxOutboundStreams: STREAMS_MAX, signal: clock.timeout(dialMs) })
    } catch (cause) {
      throw toDialError(cause, peer)
    }
  }

  /** The same for who does not wait for longer than `signal`: a stream that comes too late is closed again. */
  async openStreamWithin(protocol: string, peer: PeerId, { signal }: { signal: AbortSignal }): Promise<Stream> {
    const opening = this.openStream(protocol, peer)
    try {
      return await untilAborted(opening, signal)
    } catch (error) {
      const late = signal.aborted ? abortedWait(signal, peer) : toCaresError(error)
      void opening.then(stream => stream.abort(late)).catch(() => {}) // It was never opened.
      throw late
    }
  }

  async #dial(target: Libp2pPeerId | Multiaddr, name: string, signal: AbortSignal): Promise<Connection> {
    const { clock, dialMs, answered } = this.#components
    try {
      const connection = await this.#node.dial(target, { signal: AbortSignal.any([signal, clock.timeout(dialMs)]) })
      answered.add(withoutPeer(connection.remoteAddr))
      return connection
    } catch (cause) {
      throw toDialError(cause, name)
    }
  }
}
