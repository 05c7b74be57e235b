import type { PeerId } from '../../model/ids.ts'
import type { Channel, ProtocolName, Protocols } from '../../model/ports/transport.ts'

/** One message of an exchange, as one of its ends sees it. */
export type Tapped = {
  readonly [Name in ProtocolName]: {
    readonly protocol: Name
    /** Tells the exchange from all others, at this end. */
    readonly exchange: object
    readonly remote: PeerId
  } & (
    | { readonly way: 'asks' | 'is asked'; readonly message: Protocols[Name]['up'] }
    | { readonly way: 'answers' | 'is answered'; readonly message: Protocols[Name]['down'] }
  )
}[ProtocolName]

/** Hears every message that one peer sends and takes in. */
export type Tap = (tapped: Tapped) => void

/** A channel of which `tap` hears every message: those of the dialling end, or those of the end that serves. */
export function tapChannel<Out, In>(
  channel: Channel<Out, In>,
  protocol: ProtocolName,
  end: 'dials' | 'serves',
  tap: Tap
): Channel<Out, In> {
  const exchange = {}
  const [sent, received] = end === 'dials' ? ['asks', 'is answered'] : ['answers', 'is asked']
  // That protocol, way and message belong together is the caller's to know.
  const hear = (way: string | undefined, message: Out | In): void =>
    tap({ protocol, exchange, remote: channel.remote, way, message } as unknown as Tapped)
  return {
    remote: channel.remote,
    get signal() {
      return channel.signal
    },
    send: message => {
      hear(sent, message)
      return channel.send(message)
    },
    receive: async () => {
      const message = await channel.receive()
      if (message !== undefined) hear(received, message)
      return message
    },
    end: () => channel.end(),
    abort: reason => channel.abort(reason)
  }
}
