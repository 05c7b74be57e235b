import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { CaresError } from '../model/errors.ts'
import type { Headers } from '../model/invocation.ts'
import type { OutgoingAnswer } from './send-answer.ts'

/** Whether a request asks a function for a WebSocket (RFC 6455, 4.1). */
export function callsByWebSocket({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /^\/(?:fn|function)\//.test(url)
}

/** The connections of requests that Node has let go of, so that they can become WebSockets of functions. */
export interface Upgrades {
  /** Undefined for a request that is answered as any other. */
  socketOf(request: IncomingMessage): Duplex | undefined
}

/** Notes them. To be called before anybody else listens for upgrades: what a hasty client has sent behind its request goes back first. */
export function createUpgrades(server: Server): Upgrades {
  const sockets = new WeakMap<IncomingMessage, Duplex>()
  server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!callsByWebSocket(request)) return
    sockets.set(request, socket)
    if (head.length > 0) socket.unshift(head)
  })
  return { socketOf: request => sockets.get(request) }
}

/** What the client sends after the handshake, at the pace of its reader. Throws `cancelled` when the connection breaks. */
export async function* fromClient(socket: Duplex): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) yield chunk
  } catch (cause) {
    throw new CaresError('cancelled', 'the client went away', { cause })
  }
}

/**
 * Opens the WebSocket that a function has agreed to, and passes on what it sends, at the client's pace. Resolves when the function has closed it.
 * The headers must be ones that HTTP allows.
 */
export async function sendToClient(
  socket: Duplex,
  { body, end }: Pick<OutgoingAnswer, 'body' | 'end'>,
  headers: Headers,
  { signal }: { signal: AbortSignal }
): Promise<void> {
  const travelling = headers.filter(([name]) => name !== 'content-length')
  const lines = [['Upgrade', 'websocket'], ['Connection', 'Upgrade'], ...travelling].map(([name, value]) => `${name}: ${value}`)
  socket.write(Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
  for await (const chunk of body) {
    signal.throwIfAborted()
    if (!socket.write(chunk)) await once(socket, 'drain', { signal })
  }
  await end
}
