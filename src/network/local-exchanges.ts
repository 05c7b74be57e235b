import { CaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Channel, ProtocolName, Protocols } from '../model/ports/transport.ts'
import type { Handlers } from './handlers.ts'
import { createLocalPair } from './local-channel.ts'
import { EXCHANGES_MAX } from './mux.ts'

/** The exchanges of a peer with itself, of all protocols. */
export class LocalExchanges {
  readonly #self: PeerId
  readonly #handlers: Handlers
  readonly #open = new Set<{ fail(error: CaresError): void }[]>()

  constructor({ self, handlers }: { self: PeerId; handlers: Handlers }) {
    this.#self = self
    this.#handlers = handlers
  }

  /** Throws `overloaded` when there are as many as one lane may carry. */
  open<Name extends ProtocolName>(protocol: Name): Channel<Protocols[Name]['up'], Protocols[Name]['down']> {
    if (this.#open.size >= EXCHANGES_MAX) {
      throw new CaresError('overloaded', `${EXCHANGES_MAX} exchanges of this peer with itself are under way`, { retryable: true })
    }
    const ends: { fail(error: CaresError): void }[] = []
    const pair = createLocalPair<Protocols[Name]['up'], Protocols[Name]['down']>(this.#self, () => this.#open.delete(ends))
    ends.push(pair.dialler, pair.acceptor)
    this.#open.add(ends)
    this.#handlers.serveChannel(protocol, pair.acceptor)
    return pair.dialler
  }

  /** Ends them all badly, on both sides. */
  cut(): void {
    const error = new CaresError('peer_lost', 'the connection was lost')
    const cut = [...this.#open]
    this.#open.clear()
    for (const end of cut.flat()) end.fail(error)
  }
}
