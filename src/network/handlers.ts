import type { PeerId } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ChannelHandler, ProtocolName } from '../model/ports/transport.ts'
import { serve } from './channel.ts'
import type { Exchange } from './exchange.ts'

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

  /** Serves an exchange that `remote` opened. */
  serve(name: ProtocolName, exchange: Exchange, remote: PeerId): void {
    switch (name) {
      case 'invoke':
        return serve(name, exchange, remote, { handler: this.#byName[name], log: this.#log })
      case 'execute':
        return serve(name, exchange, remote, { handler: this.#byName[name], log: this.#log })
      case 'control':
        return serve(name, exchange, remote, { handler: this.#byName[name], log: this.#log })
      case 'image':
        return serve(name, exchange, remote, { handler: this.#byName[name], log: this.#log })
    }
  }
}
