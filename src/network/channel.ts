import { CaresError, toCaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Channel, ChannelHandler, ProtocolName, Protocols } from '../model/ports/transport.ts'
import type { Codec } from '../wire/codec.ts'
import type { Exchange } from './exchange.ts'
import { LANE_PROTOCOLS, split } from './protocols.ts'

/** The dialler's side of an exchange, in the messages of its protocol. */
export function diallerChannel<Name extends ProtocolName>(
  name: Name,
  exchange: Exchange,
  remote: PeerId
): Channel<Protocols[Name]['up'], Protocols[Name]['down']> {
  const { up, down } = LANE_PROTOCOLS[name]
  return new TypedChannel(exchange, remote, up, down)
}

/** Runs `handler` for an exchange that the remote opened. When it returns, this side ends and whatever still comes is dropped. */
export function serve<Name extends ProtocolName>(
  name: Name,
  exchange: Exchange,
  remote: PeerId,
  { handler, log }: { handler: ChannelHandler<Name> | undefined; log: Logger }
): void {
  if (handler === undefined) {
    exchange.abort(new CaresError('incompatible', `this peer does not serve ${name}`))
    return
  }
  const { up, down } = LANE_PROTOCOLS[name]
  const run = async (): Promise<void> => {
    try {
      await handler(new TypedChannel(exchange, remote, down, up))
      exchange.end()
      exchange.discard()
    } catch (error) {
      if (!(error instanceof CaresError) && !exchange.signal.aborted)
        log.error({ err: error, protocol: name, peer: remote }, 'handler failed')
      exchange.abort(toCaresError(error))
    }
  }
  void run()
}

class TypedChannel<Out extends object, In> implements Channel<Out, In> {
  readonly remote: PeerId
  readonly #exchange: Exchange
  readonly #out: Codec<Out>
  readonly #in: Codec<In>

  constructor(exchange: Exchange, remote: PeerId, out: Codec<Out>, incoming: Codec<In>) {
    this.#exchange = exchange
    this.remote = remote
    this.#out = out
    this.#in = incoming
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  async send(message: Out): Promise<void> {
    for (const part of split(message)) await this.#exchange.send(this.#out.encode(part))
  }

  async receive(): Promise<In | undefined> {
    const bytes = await this.#exchange.receive()
    if (bytes === undefined) return undefined
    try {
      return this.#in.decode(bytes)
    } catch (error) {
      this.#exchange.abort(error)
      throw error
    }
  }

  end(): void {
    this.#exchange.end()
  }

  abort(reason: Error): void {
    this.#exchange.abort(reason)
  }
}
