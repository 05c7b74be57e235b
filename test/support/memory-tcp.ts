import { type Duplex, duplexPair } from 'node:stream'
import { finished } from 'node:stream/promises'
import { CaresError } from '../../src/model/errors.ts'
import type { Tcp, TcpConnection } from '../../src/model/ports/tcp.ts'

/** TCP between hosts in memory, for peers and programs that are all in this process. */
export class MemoryTcp {
  readonly #listeners = new Map<string, (connection: TcpConnection) => void>()

  /** What one host has of it. */
  of(host: string): Tcp {
    return {
      listen: async (port, onConnection) => {
        const key = `${host}:${port}`
        if (this.#listeners.has(key)) throw new CaresError('conflict', `port ${port} is taken on ${host}`)
        this.#listeners.set(key, onConnection)
        return { [Symbol.dispose]: () => void this.#listeners.delete(key) }
      },
      connect: async address => this.connect(address.host, address.port)
    }
  }

  isOpen(host: string, port: number): boolean {
    return this.#listeners.has(`${host}:${port}`)
  }

  connect(host: string, port: number): TcpConnection {
    const onConnection = this.#listeners.get(`${host}:${port}`)
    if (onConnection === undefined) throw new CaresError('peer_unreachable', `nobody listens at ${host}:${port}`, { retryable: true })
    const [near, far] = duplexPair()
    onConnection(connectionOf(far, near))
    return connectionOf(near, far)
  }
}

function connectionOf(own: Duplex, other: Duplex): TcpConnection {
  own.on('error', () => {})
  return {
    input: own.iterator({ destroyOnReturn: false }),
    write: async chunk => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      own.write(Uint8Array.from(chunk), err => (err == null ? resolve() : reject(err)))
      await promise
    },
    end: async () => {
      own.end()
      await finished(own, { readable: false })
    },
    destroy: () => {
      own.destroy(new Error('it was broken here'))
      other.destroy(new Error('the other side has broken it'))
    }
  }
}
