import type { Connection } from '@libp2p/interface'
import { untilAborted } from '../model/until-aborted.ts'

/** What is used of a connection; a field of its class that its interface does not name. */
interface PingableConnection {
  readonly muxer: { ping(): Promise<unknown> }
}

/**
 * Asks the muxer at the other end of a connection for a sign of life: a frame of 12 bytes each way, where a stream of libp2p's ping protocol costs both
 * sides ten times as much. False if the muxer knows no ping. Rejects with the signal's reason, or when the connection closes.
 *
 * The muxer itself gets no signal: it would forget that it has asked, and end the connection over an answer that comes late.
 * https://github.com/hashicorp/yamux/blob/master/spec.md#type-field
 */
export async function pingMuxer(connection: Connection, { signal }: { signal: AbortSignal }): Promise<boolean> {
  if (!isPingable(connection)) return false
  const { promise: closed, reject } = Promise.withResolvers<never>()
  const close = (): void => reject(new Error('the connection was closed'))
  connection.addEventListener('close', close, { once: true })
  try {
    await untilAborted(Promise.race([connection.muxer.ping(), closed]), signal)
  } finally {
    connection.removeEventListener('close', close)
  }
  return true
}

function isPingable(connection: object): connection is PingableConnection {
  if (!('muxer' in connection)) return false
  const { muxer } = connection
  return typeof muxer === 'object' && muxer !== null && 'ping' in muxer && typeof muxer.ping === 'function'
}
