import type { ServiceAddress } from './runtime.ts'

/** One TCP connection. Its two directions end one by one. */
export interface TcpConnection {
  /** What the other side sends, until it sends no more. It is read no faster than it is taken. Throws when the connection breaks. */
  readonly input: AsyncIterable<Uint8Array>
  /** Resolves when more may be written. Rejects when the connection is broken. */
  write(chunk: Uint8Array): Promise<void>
  /** No more will be written. Resolves when all that was written is on its way. Rejects when the connection breaks before. */
  end(): Promise<void>
  /** Breaks it, in a way that the other side does not take for an end. */
  destroy(): void
}

/** The TCP ports of this machine, and whatever can be connected to. */
export interface Tcp {
  /** Takes connections at a port, until it is disposed of; connections that were taken go on. Throws `conflict` when somebody else has the port. */
  listen(port: number, onConnection: (connection: TcpConnection) => void): Promise<Disposable>
  /** Throws `peer_unreachable`. */
  connect(address: ServiceAddress, options: { signal: AbortSignal }): Promise<TcpConnection>
}
