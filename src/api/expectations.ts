import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Clock } from '../model/ports/clock.ts'

/** Deals with request bodies around their calls: tells a client that waits to send its body, and discards what nobody read of one. */
export interface Expectations {
  /** Sends `100 Continue` to a client that waits for it. Call when the body is about to be read, and not if it will be refused. */
  proceed(request: IncomingMessage, response: ServerResponse): void
  /** Somebody goes on reading the request after its response, until `rest` resolves. To be called before the response ends. */
  readOn(request: IncomingMessage, rest: Promise<void>): void
}

/**
 * An answer that is sent before its request has arrived (usually a refusal) leaves the client writing. For this long, what still comes is read and
 * dropped: closing at once would reset the connection, and often lose the answer.
 */
const LINGER_MS = 2_000

/** Takes `Expect: 100-continue` away from Node, which would ask for every body, too large ones included. */
export function createExpectations(server: Server, { clock }: { clock: Clock }): Expectations {
  const waiting = new WeakSet<IncomingMessage>()
  const readOn = new WeakMap<IncomingMessage, Promise<void>>()
  const drop = (request: IncomingMessage): void => {
    if (request.complete) return
    // Node does so only for a body that nobody has begun to read; and a reader that is about to leave keeps one from flowing, unless this listens, too.
    request.on('data', () => {})
    request.resume()
    const linger = clock.timeout(LINGER_MS)
    linger.addEventListener('abort', () => {
      if (!request.complete) request.socket.destroy()
    })
  }
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request)
    server.emit('request', request, response)
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => {
      const rest = readOn.get(request)
      if (rest === undefined) drop(request)
      else void rest.then(() => drop(request))
    })
  })
  return {
    readOn: (request, rest) => void readOn.set(request, rest),
    proceed: (request, response) => {
      if (waiting.delete(request) && !response.headersSent) response.writeContinue()
    }
  }
}
