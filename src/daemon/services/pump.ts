import { CaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { TcpConnection } from '../../model/ports/tcp.ts'
import type { Channel } from '../../model/ports/transport.ts'
import type { TunnelDown, TunnelUp } from '../../model/tunnel.ts'

/** A message that carries bytes, on whichever side. */
type Body = Extract<TunnelUp, { type: 'body' }>

/** After an hour without a word in either direction nobody will say one; what keeps connections for longer asks from time to time whether they stand. */
const IDLE_MS_MAX = 3_600_000

/**
 * Passes the bytes of a connection to a channel and back, each direction until it ends, and no faster than who reads. Resolves when both have ended.
 * When either breaks, or is idle for too long, both are broken and it rejects.
 */
export async function pump(
  connection: TcpConnection,
  channel: Channel<Body, TunnelUp | TunnelDown>,
  { clock }: { clock: Clock }
): Promise<void> {
  let activeMs = clock.nowMs()
  const breakOff = (reason: Error): void => {
    connection.destroy()
    channel.abort(reason)
  }
  const watch = (ms: number): Disposable =>
    clock.after(ms, () => {
      const leftMs = activeMs + IDLE_MS_MAX - clock.nowMs()
      if (leftMs > 0) idling = watch(leftMs)
      else breakOff(new CaresError('timeout', 'neither side of the connection has said anything for too long'))
    })
  let idling = watch(IDLE_MS_MAX)
  const onAbort = (): void => connection.destroy()
  channel.signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.all([
      read(connection, channel, () => (activeMs = clock.nowMs())),
      write(connection, channel, () => (activeMs = clock.nowMs()))
    ])
  } catch (err) {
    breakOff(err instanceof Error ? err : new Error(String(err)))
    throw err
  } finally {
    idling[Symbol.dispose]()
    channel.signal.removeEventListener('abort', onAbort)
  }
}

async function read(connection: TcpConnection, channel: Channel<Body, unknown>, onBytes: () => void): Promise<void> {
  for await (const chunk of connection.input) {
    onBytes()
    await channel.send({ type: 'body', chunk })
  }
  channel.end()
}

async function write(connection: TcpConnection, channel: Channel<Body, TunnelUp | TunnelDown>, onBytes: () => void): Promise<void> {
  for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
    if (message.type !== 'body') throw new CaresError('protocol', `a tunnel that is open carries bytes, not "${message.type}"`)
    onBytes()
    await connection.write(message.chunk)
  }
  await connection.end()
}
