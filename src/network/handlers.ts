import type { PeerId } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ChannelHandler, ProtocolName } from '../model/ports/transport.ts'
import { acceptorChannel, serve, type ServedChannel } from './channel.ts'
import type { Exchange } from './exchange.ts'
import { LANE_PROTOCOLS, type LaneProtocol, type STREAM_PROTOCOL_NAMES } from './protocols.ts'
import { type OwnStream, StreamChannel } from './stream-channel.ts'

/** Who serves which protocol of a transport. */
export class Handlers {
  readonly #log: Logger
  readonly #byName: { [Name in ProtocolName]?: ChannelHandler<Name> } = {}

  constructor(log: Logger) {
    this.#log = log
  }

  set<Name extends ProtocolName>(name: Name, handler: ChannelHandler<Name>): void {
    // The index signature of a mapped type is not followed for a generic name.
    ;(this.#byName as Record<Name, ChannelHandler<Name>>)[name] = handler
  }

  /** Serves an exchange that `remote` opened on a lane. */
  serve(name: ProtocolName, exchange: Exchange, remote: PeerId): void {
    this.serveChannel(name, acceptorChannel(name, exchange, remote))
  }

  serveChannel<Name extends ProtocolName>(name: Name, channel: ServedChannel<Name>): void {
    serve(name, channel, { handler: (this.#byName as { [Key in Name]?: ChannelHandler<Key> })[name], log: this.#log })
  }

  /** Serves an exchange that `remote` opened on a stream of its own. */
  serveStream(name: (typeof STREAM_PROTOCOL_NAMES)[number], stream: OwnStream, remote: PeerId): void {
    const { up, down }: LaneProtocol<typeof name> = LANE_PROTOCOLS[name]
    this.serveChannel(name, new StreamChannel(stream, { remote, out: down, incoming: up }))
  }
}
