import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { CaresError } from '../model/errors.ts'
import type { Tcp, TcpConnection } from '../model/ports/tcp.ts'
import type { ServiceAddress } from '../model/ports/runtime.ts'

/** After so long without a word, the kernel asks whether the other side is still there: one that was switched off says nothing. */
const KEEP_ALIVE_MS = 60_000

/** The TCP of this machine. `host`: where it takes connections. */
export function createTcp({ host }: { host: string }): Tcp {
  return {
    async listen(port, onConnection) {
      const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, socket =>
        onConnection(new SocketConnection(socket))
      )
      await listening(server, { host, port })
      return { [Symbol.dispose]: () => void server.close() }
    },
    async connect(address, { signal }) {
      const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
      try {
        await once(socket, 'connect', { signal })
        return new SocketConnection(socket)
      } catch (cause) {
        socket.destroy()
        throw notTaken(address, signal.aborted ? signal.reason : cause)
      }
    }
  }
}

async function listening(server: Server, { host, port }: ServiceAddress): Promise<void> {
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const why = isTaken ? 'another program of this machine has it' : (cause as Error).message
    throw new CaresError('conflict', `port ${port} cannot be opened at ${host}: ${why}`, { cause })
  }
}

function notTaken({ host, port }: ServiceAddress, cause: unknown): CaresError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new CaresError('peer_unreachable', `nobody takes connections at ${host}:${port}: ${why}`, { retryable: true, cause })
}

class SocketConnection implements TcpConnection {
  readonly input: AsyncIterable<Uint8Array>
  readonly #socket: Socket
  #broken: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    // Whoever reads or writes sees it; without a listener it would end the process.
    socket.on('error', err => (this.#broken = err))
    // Its own end must not destroy the direction that goes on.
    this.input = socket.iterator({ destroyOnReturn: false })
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) throw this.#broken ?? closed()
    if (!this.#socket.write(chunk)) await this.#until('drain')
  }

  async end(): Promise<void> {
    if (this.#socket.destroyed) throw this.#broken ?? closed()
    this.#socket.end()
    if (!this.#socket.writableFinished) await this.#until('finish')
  }

  destroy(): void {
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy()
  }

  async #until(event: 'drain' | 'finish'): Promise<void> {
    const socket = this.#socket
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onEvent = (): void => resolve()
    const onClose = (): void => reject(this.#broken ?? closed())
    socket.once(event, onEvent).once('close', onClose)
    try {
      await promise
    } finally {
      socket.off(event, onEvent).off('close', onClose)
    }
  }
}

function closed(): CaresError {
  return new CaresError('peer_lost', 'the connection is closed')
}
