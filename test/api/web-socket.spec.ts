import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { CaresError } from '../../src/model/errors.ts'
import { sampleAnswer, sampleHead } from '../support/samples.ts'
import { createHarness, type Harness } from './harness.ts'
import { connect, head, open, rest, untilClosed } from './sockets.ts'

const HEADERS = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA=='
}

/** Asks a function for a WebSocket. */
async function ask({ api }: Harness, path = '/fn/thumb/room?x=1'): Promise<ClientRequest> {
  await api.start()
  return open(`${api.url}${path}`, { headers: HEADERS }).end()
}

/** What agrees to one, and sends back what comes. */
const echo = { head: sampleHead({ status: 101, headers: [['sec-websocket-accept', 'yes']] }) }

async function upgraded(request: ClientRequest): Promise<{ response: IncomingMessage; socket: Socket }> {
  const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Socket]
  return { response, socket }
}

describe('a WebSocket to a function', () => {
  it('becomes the two bodies of the call, each way as it comes, until the function closes', async () => {
    let asked: unknown
    await using harness = createHarness({
      invoke: async request => {
        asked = request.head
        return sampleAnswer({ ...echo, body: request.body })
      }
    })
    const { response, socket } = await upgraded(await ask(harness))
    assert.equal(response.headers['sec-websocket-accept'], 'yes')
    assert.equal(response.headers['x-cares-start'], 'warm')
    socket.write('ping')
    assert.equal(String((await once(socket, 'data'))[0]), 'ping')
    socket.end('bye')
    assert.equal(await untilClosed(socket), 'bye')
    const { webSocket, path, query, bodyBytes } = asked as { webSocket: true; path: string; query: string; bodyBytes?: number }
    assert.deepEqual([webSocket, path, query, bodyBytes], [true, '/room', 'x=1', undefined])
  })

  it('does not lose what a hasty client sends behind its request', async () => {
    await using harness = createHarness({ invoke: async ({ body }) => sampleAnswer({ ...echo, body }) })
    const socket = await connect(harness)
    const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`GET /fn/thumb HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\nhasty`)
    socket.end()
    const text = await untilClosed(socket)
    assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(text, /\r\n\r\nhasty$/)
  })

  it('is answered as any other call by a function that does not want one, and the connection ends', async () => {
    await using harness = createHarness({ invoke: async () => sampleAnswer({ head: sampleHead({ status: 403 }) }) })
    const response = await head(await ask(harness))
    assert.deepEqual([response.statusCode, response.headers.connection, await rest(response)], [403, 'close', 'done'])
    if (!response.socket.closed) await once(response.socket, 'close')
  })

  it('is refused with a problem that says why, and the connection ends', async () => {
    await using harness = createHarness({
      invoke: async () => {
        throw new CaresError('incompatible', 'it reads stdin')
      }
    })
    const response = await head(await ask(harness))
    assert.equal(response.statusCode, 501)
    assert.equal((JSON.parse(await rest(response)) as { code: string }).code, 'incompatible')
    if (!response.socket.closed) await once(response.socket, 'close')
  })

  for (const [claim, leave] of [
    ['its client goes away', (socket: Socket) => void socket.resetAndDestroy()],
    ['this peer stops', (_: Socket, harness: Harness) => void harness.api.stop()]
  ] as const) {
    it(`is cancelled at once when ${claim}`, async () => {
      const ended = Promise.withResolvers<unknown>()
      await using harness = createHarness({
        invoke: async (_, { signal }) => {
          signal.addEventListener('abort', () => ended.resolve(signal.reason))
          async function* silence(): AsyncGenerator<Uint8Array> {
            yield* (await ended.promise) as never[]
          }
          return sampleAnswer({ ...echo, body: silence() })
        }
      })
      const { socket } = await upgraded(await ask(harness))
      socket.on('error', () => {})
      leave(socket, harness)
      assert.ok((await ended.promise) instanceof CaresError)
      if (!socket.closed) await once(socket, 'close')
    })
  }

  it('is not what a status 101 makes of an ordinary call', async () => {
    await using harness = createHarness({ invoke: async () => sampleAnswer(echo) })
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/fn/thumb`, {}).end())
    assert.equal(response.statusCode, 502)
  })
})
