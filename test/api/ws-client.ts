import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { WsMessage } from '../../src/model/rest-telemetry.ts'
import type { Harness } from './harness.ts'

/** A WebSocket, and what it was told. */
export interface WsClient {
  readonly socket: WebSocket
  /** The next message that has not been read yet. */
  next(): Promise<WsMessage>
  send(message: object): void
  /** Code and reason of the end. */
  readonly closed: Promise<{ code: number; reason: string }>
}

/** Opens one to the API; resolves when it is open. */
export async function openWs({ api }: Harness, query = '', protocols: readonly string[] = ['cares.v1']): Promise<WsClient> {
  await api.start()
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/ws${query}`, [...protocols])
  const arrived: WsMessage[] = []
  let wake = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    arrived.push(JSON.parse(String(data)) as WsMessage)
    wake.resolve()
    wake = Promise.withResolvers()
  })
  const closed = new Promise<{ code: number; reason: string }>(resolve => {
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
  })
  await once(socket, 'open')
  return {
    socket,
    closed,
    send: message => socket.send(JSON.stringify(message)),
    next: async () => {
      for (;;) {
        const message = arrived.shift()
        if (message !== undefined) return message
        await wake.promise
      }
    }
  }
}

/** What an upgrade is answered that is refused: status and problem code. */
export async function refusedWs(
  { api }: Harness,
  query = '',
  headers: Record<string, string> = {}
): Promise<{ status: number | undefined; code: string }> {
  await api.start()
  const request = http.get(`${api.url}/v1/ws${query}`, {
    agent: false,
    headers: {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      ...headers
    }
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, code: (JSON.parse(text) as { code: string }).code }
}
