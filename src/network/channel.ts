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

/** The served side of an exchange, in the messages of its protocol. */
export function acceptorChannel<Name extends ProtocolName>(name: Name, exchange: Exchange, remote: PeerId): ServedChannel<Name> {
  const { up, down } = LANE_PROTOCOLS[name]
  return new TypedChannel(exchange, remote, down, up)
}

/** A channel that can be told that nobody reads it any more. */
export type ServedChannel<Name extends ProtocolName> = Channel<Protocols[Name]['down'], Protocols[Name]['up']> & { discard(): void }

/** Runs `handler` for a channel that the remote opened. When it returns, this side ends and whatever still comes is dropped. */
export function serve<Name extends ProtocolName>(
  name: Name,
  channel: ServedChannel<Name>,
  { handler, log }: { handler: ChannelHandler<Name> | undefined; log: Logger }
): void {
  if (handler === undefined) {
    channel.abort(new CaresError('incompatible', `this peer does not serve ${name}`))
    return
  }
  const run = async (): Promise<void> => {
    try {
      await handler(channel)
      channel.end()
      channel.discard()
    } catch (error) {
      if (!(error instanceof CaresError) && !channel.signal.aborted)
        log.error({ err: error, protocol: name, peer: channel.remote }, 'handler failed')
      channel.abort(toCaresError(error))
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

  discard(): void {
    this.#exchange.discard()
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
