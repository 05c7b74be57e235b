// The program of the example image `cares-example/web`: a small HTTP server that says who answered, and misbehaves when asked to.
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'

const port = Number(process.env['PORT'] ?? 8080)
const startedAt = new Date().toISOString()
let calls = 0
let inFlight = 0

// The route that answers with a status does so to whoever asks for a WebSocket, too.
const shouldUpgradeCallback = ({ url = '' }: IncomingMessage): boolean => !url.startsWith('/status')

const server = createServer({ shouldUpgradeCallback }, (request, response) => {
  calls++
  inFlight++
  response.once('close', () => inFlight--)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const answer = ROUTES[url.pathname] ?? describeCall
  answer(request, response, url)
})
// Agrees to any WebSocket, and sends every byte back as it comes: that is no echo of messages, which come masked.
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const accept = createHash('sha1').update(key).digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
  socket.on('error', () => {})
  socket.pipe(socket)
})
// How long a call may take is for CARES to say: by itself, Node cuts a body off that has not come whole within five minutes.
server.requestTimeout = 0
server.listen(port, '0.0.0.0', () => console.log(`listening on ${port}`))
process.on('SIGTERM', () => process.exit(0))

type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => void

const ROUTES: Readonly<Record<string, Route>> = {
  '/healthz': (_, response) => response.end('ok\n'),
  /** The request's body, as it comes. */
  '/echo': (request, response) => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' })
    request.pipe(response)
  },
  /** Answers at once, reads on, and tells its log how much came. */
  '/early': (request, response) => {
    response.writeHead(200).end('early\n')
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => console.log(`read on ${bytes}`))
  },
  /** Answers at once, and never reads. */
  '/ignore': (request, response) => {
    request.once('data', () => {
      request.pause()
      response.writeHead(200).end('enough\n')
    })
  },
  /** Answers with `?count=` headers. */
  '/headers': (_, response, url) => {
    for (let i = 0; i < Number(url.searchParams.get('count')); i++) response.setHeader(`x-${i}`, url.searchParams.get('value') ?? 'v')
    response.end('headed\n')
  },
  /** Answers after `?ms=`. */
  '/sleep': (_, response, url) => {
    setTimeout(() => response.end(`${inFlight}\n`), Number(url.searchParams.get('ms') ?? 100))
  },
  /** Answers with `?code=`. */
  '/status': (_, response, url) => {
    response.writeHead(Number(url.searchParams.get('code') ?? 500), { 'x-reason': 'asked for it' }).end('as you wish\n')
  },
  /** Answers with a status that HTTP does not have, and that Node would not send. */
  '/below': request => void request.socket.end('HTTP/1.1 099 Strange\r\ncontent-length: 0\r\n\r\n'),
  /** Never answers. */
  '/hang': () => {},
  /** Dies without an answer. */
  '/crash': () => {
    console.error('about to crash')
    process.exit(7)
  },
  /** Dies in the middle of an answer. */
  '/break': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('the first half\n', () => setTimeout(() => process.exit(7), 50))
  },
  /** Takes memory until there is none. */
  '/eat': () => {
    const eaten: Buffer[] = []
    setInterval(() => eaten.push(Buffer.alloc(16 * 2 ** 20, eaten.length + 1)), 5)
  },
  /** Whether `?host=` and `?port=` can be reached from here. */
  '/reach': (_, response, url) => {
    const socket = connect({ host: url.searchParams.get('host') ?? '', port: Number(url.searchParams.get('port') ?? 80), timeout: 1_000 })
    const tell = (outcome: string): void => {
      socket.destroy()
      if (!response.writableEnded) response.end(`${outcome}\n`)
    }
    socket.once('connect', () => tell('reached'))
    socket.once('timeout', () => tell('timeout'))
    socket.once('error', (error: NodeJS.ErrnoException) => tell(error.code ?? error.message))
  }
}

function describeCall(request: IncomingMessage, response: ServerResponse): void {
  let bodyBytes = 0
  request.on('data', (chunk: Buffer) => {
    bodyBytes += chunk.length
  })
  request.on('end', () => {
    const answer = {
      hello: process.env['GREETING'] ?? 'from CARES',
      container: hostname(),
      startedAt,
      calls,
      method: request.method,
      url: request.url,
      bodyBytes,
      headers: request.headers
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(answer, null, 2)}\n`)
  })
}
