import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import net, { type Socket } from 'node:net'
import type { Harness } from './harness.ts'

/** A request over a connection of its own, to be written and read by hand. */
export function open(url: string, options: http.RequestOptions): ClientRequest {
  return http.request(url, { agent: false, ...options })
}

/** The head of the answer. */
export async function head(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

/** All of the answer's body. Rejects when the connection ends before the answer does. */
export async function rest(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

/** Starts the API, and connects to it without any HTTP. */
export async function connect({ api }: Harness): Promise<Socket> {
  await api.start()
  const socket = net.connect(Number(new URL(api.url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Everything that comes until the other side closes. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}
