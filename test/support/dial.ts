import type { PeerId } from '../../src/model/ids.ts'
import type { Channel, ChannelHandler, ProtocolName, Protocols } from '../../src/model/ports/transport.ts'
import { acceptorChannel, diallerChannel, serve } from '../../src/network/channel.ts'
import { createLanePair } from '../../src/simulate/lane-pair.ts'
import { createTestLog } from './test-log.ts'

export interface Dialled<Name extends ProtocolName> {
  readonly channel: Channel<Protocols[Name]['up'], Protocols[Name]['down']>
  /** Breaks the connection. */
  cut(): void
}

/** An exchange with `handler` as the other side, over a lane in memory with the real codecs and windows. Both sides see `remote`. */
export function dial<Name extends ProtocolName>(name: Name, remote: PeerId, handler: ChannelHandler<Name>): Dialled<Name> {
  const log = createTestLog()
  const lane = createLanePair(exchange => serve(name, acceptorChannel(name, exchange, remote), { handler, log }), {
    forth: queueMicrotask,
    back: queueMicrotask
  })
  return { channel: diallerChannel(name, lane.open(), remote), cut: () => lane.cut() }
}
