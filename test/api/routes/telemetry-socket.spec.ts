import assert from 'node:assert/strict'
import { once } from 'node:events'
import { wsMessageSchema, type WsMessage } from '../../../src/model/rest-telemetry.ts'
import type { PeerService } from '../../../src/model/service.ts'
import { eventually } from '../../support/eventually.ts'
import { ATLAS, BIRCH, sampleListing, sampleProfile, sampleStats } from '../../support/samples.ts'
import { createHarness, type Harness } from '../harness.ts'
import { createNews, type News } from '../news.ts'
import { connect } from '../sockets.ts'
import { openWs, refusedWs, type WsClient } from '../ws-client.ts'

const GATHER_MS = 25
const atlas = sampleListing()
const birch = sampleListing({ profile: sampleProfile({ id: BIRCH, name: 'birch' }), role: 'worker' })

interface Scene {
  readonly news: News
  readonly harness: Harness
}

function scene(init: Parameters<typeof createHarness>[1] = {}, script: Partial<PeerService> = {}): Scene {
  const news = createNews([atlas, birch])
  return { news, harness: createHarness({ ...news.script, ...script }, init) }
}

/** A client that has had its `hello` and its `snapshot`. */
async function greeted(harness: Harness, query = ''): Promise<WsClient & { snapshot: Extract<WsMessage, { type: 'snapshot' }> }> {
  const client = await openWs(harness, query)
  const [hello, snapshot] = [await client.next(), await client.next()]
  assert.equal(hello.type, 'hello')
  assert.equal(snapshot.type, 'snapshot')
  return { ...client, snapshot }
}

/** The next message, which must be of this type. */
async function told<Type extends WsMessage['type']>(client: WsClient, type: Type): Promise<Extract<WsMessage, { type: Type }>> {
  const message = await client.next()
  assert.equal(message.type, type, JSON.stringify(message))
  return message as Extract<WsMessage, { type: Type }>
}

describe('/v1/ws', () => {
  it('says who answers and how everything stands, and from then on what changes', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const client = await greeted(harness)
    assert.deepEqual(
      client.snapshot.peers.map(({ name }) => name),
      ['atlas', 'birch']
    )
    assert.equal(client.snapshot.cluster.id?.includes('#'), false, 'the secret is not for here')

    news.setPeers([atlas, { ...birch, stats: sampleStats({ running: 7 }) }])
    harness.clock.advance(GATHER_MS)
    const { items } = await told(client, 'peers')
    assert.deepEqual(
      items.map(({ name, running }) => [name, running]),
      [['birch', 7]]
    )

    news.emit(2)
    harness.clock.advance(GATHER_MS)
    const events = await told(client, 'events')
    assert.deepEqual(
      events.items.map(({ id, type }) => [id, type]),
      [
        [1, 'peer:joined'],
        [2, 'peer:joined']
      ]
    )
    assert.equal(events.lastId, '7.2')
    client.socket.close()
  })

  it('sends nothing that its description does not allow', async () => {
    const { news, harness } = scene()
    await using _ = harness
    news.emit(1_500)
    const client = await openWs(harness, '?after=7.3')
    news.setPeers([{ ...atlas, state: 'suspect' }])
    harness.clock.advance(GATHER_MS)
    const types = new Set<string>()
    while (types.size < 4) {
      const message = await client.next()
      wsMessageSchema.parse(message)
      types.add(message.type)
    }
    assert.deepEqual(types, new Set(['hello', 'snapshot', 'missed', 'events']))
    client.socket.close()
  })

  it('tells a client that comes between two beats what has happened since the last one', async () => {
    const { news, harness } = scene()
    await using _ = harness
    news.emit()
    for (const numbers of [[1], [1, 2]]) {
      const client = await greeted(harness, '?after=7.0')
      assert.deepEqual(
        (await told(client, 'events')).items.map(({ id }) => id),
        numbers
      )
      client.socket.close()
      news.emit()
    }
  })

  it('tells of some peers only, and of events of some types, by its query', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const client = await greeted(harness, '?peer=birch&types=invocation')
    assert.deepEqual(
      client.snapshot.peers.map(({ name }) => name),
      ['birch']
    )
    news.emit()
    news.setPeers([{ ...atlas, state: 'suspect' }, birch])
    harness.clock.advance(GATHER_MS)
    news.setPeers([
      { ...atlas, state: 'suspect' },
      { ...birch, state: 'suspect' }
    ])
    harness.clock.advance(GATHER_MS)
    const { items } = await told(client, 'peers')
    assert.deepEqual(
      items.map(({ name }) => name),
      ['birch'],
      'neither the event nor the change of atlas came before it'
    )
    client.socket.close()
  })

  it('changes what it tells when the client asks for it', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const client = await greeted(harness, '?types=')
    news.emit(2)
    client.send({ type: 'subscribe', peers: ['atlas'], stats: false, after: '7.1' })
    const snapshot = await inTime(harness, told(client, 'snapshot'))
    assert.deepEqual(
      snapshot.peers.map(({ id }) => id),
      [ATLAS]
    )
    assert.deepEqual(
      (await told(client, 'events')).items.map(({ id }) => id),
      [2]
    )
    client.socket.close()
  })

  it('sends the whole list again when a peer was forgotten', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const client = await greeted(harness)
    news.setPeers([{ ...atlas, state: 'suspect' }, birch])
    harness.clock.advance(GATHER_MS)
    await told(client, 'peers')
    news.setPeers([atlas])
    harness.clock.advance(GATHER_MS)
    const { peers } = await told(client, 'snapshot')
    assert.equal(peers.length, 1)
    client.socket.close()
  })

  for (const [what, message] of [
    ['no JSON', 'hello?'],
    ['another message', '{"type":"dance"}'],
    ['a field that does not exist', '{"type":"subscribe","peer":"atlas"}'],
    ['a type that does not exist', '{"type":"subscribe","types":["weather"]}'],
    ['an id that is none', '{"type":"subscribe","after":"yesterday"}']
  ] as const) {
    it(`says what is wrong with ${what}, and goes on`, async () => {
      const { news, harness } = scene()
      await using _ = harness
      const client = await greeted(harness)
      client.socket.send(message)
      const { problem } = await told(client, 'problem')
      assert.match(problem.code, /^(invalid|bad_request)$/)
      news.emit()
      harness.clock.advance(GATHER_MS)
      await told(client, 'events')
      client.socket.close()
    })
  }

  it('hangs up on a client that sends without end', async () => {
    const { harness } = scene()
    await using _ = harness
    const client = await greeted(harness)
    for (let i = 0; i < 80; i++) client.socket.send('{}')
    assert.equal((await client.closed).code, 1_008)
  })

  it('hangs up on a client that sends more than a subscription can be', async () => {
    const { harness } = scene()
    await using _ = harness
    const client = await greeted(harness)
    client.socket.send('x'.repeat(50_000))
    assert.equal((await client.closed).code, 1_009)
  })

  it('closes with 1001 when the API stops', async () => {
    const { harness } = scene()
    await using _ = harness
    const client = await greeted(harness)
    const stopped = harness.api.stop()
    assert.equal((await client.closed).code, 1_001)
    await stopped
  })

  it('does not wait for a client that does not close', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const socket = await handshaken(harness)
    socket.pause()
    await eventually('the session listens', () => news.listeners > 0)
    let isStopped = false
    const stopped = harness.api.stop().then(() => {
      isStopped = true
    })
    await new Promise(setImmediate)
    assert.equal(isStopped, false, 'it has its time to close')
    harness.clock.advance(2_000)
    socket.resume()
    await stopped
    assert.equal(news.listeners, 0)
    socket.destroy()
  })

  it('hangs up on a client that does not answer pings', async () => {
    const { news, harness } = scene()
    await using _ = harness
    const socket = await handshaken(harness)
    await eventually('the session listens', () => news.listeners > 0)
    harness.clock.advance(15_000)
    assert.equal(socket.destroyed, false)
    harness.clock.advance(15_000)
    await eventually('nobody listens', () => news.listeners === 0)
    socket.destroy()
  })

  it('holds one message for a slow client, and tells it how many events it missed', async () => {
    const COUNT = 60_000
    const { news, harness } = scene()
    await using _ = harness
    const socket = await handshaken(harness)
    socket.pause()
    await eventually('the session listens', () => news.listeners > 0)
    for (let sent = 0; sent < COUNT; sent += 500) {
      news.emit(500)
      harness.clock.advance(GATHER_MS)
      for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    }
    const messages: WsMessage[] = []
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (let frame = firstFrame(bytes); frame !== undefined; frame = firstFrame(bytes)) {
        bytes = bytes.subarray(frame.length)
        if (frame.text !== undefined) messages.push(JSON.parse(frame.text) as WsMessage)
      }
    })
    socket.resume()
    const last = (): number => messages.reduce((id, message) => (message.type === 'events' ? (message.items.at(-1)?.id ?? id) : id), 0)
    while (last() < COUNT) {
      harness.clock.advance(GATHER_MS)
      await new Promise(setImmediate)
    }
    socket.destroy()
    const missed = messages.reduce((sum, message) => sum + (message.type === 'missed' ? message.events : 0), 0)
    const received = messages.reduce((sum, message) => sum + (message.type === 'events' ? message.items.length : 0), 0)
    assert.ok(missed > 0)
    assert.equal(missed + received, COUNT)
  })

  describe('refuses before the connection changes its protocol', () => {
    for (const [what, query, headers, status] of [
      ['a type of event that does not exist', '?types=weather', {}, 422],
      ['a parameter that does not exist', '?pears=2', {}, 422],
      ['an id that is none', '?after=yesterday', {}, 400],
      ['a page of another site', '', { origin: 'http://evil.example' }, 401]
    ] as const) {
      it(what, async () => {
        const { harness } = scene()
        await using _ = harness
        assert.equal((await refusedWs(harness, query, headers)).status, status)
      })
    }

    it('one stream more than there may be, until another has ended', async () => {
      const { news, harness } = scene({ streamsMax: 1 })
      await using _ = harness
      const client = await greeted(harness)
      assert.deepEqual(await refusedWs(harness), { status: 429, code: 'overloaded' })
      client.socket.close()
      await client.closed
      await eventually('nobody listens', () => news.listeners === 0)
      const second = await greeted(harness)
      second.socket.close()
    })

    it('callers without a token where one is needed, and takes it as a subprotocol', async () => {
      const { harness } = scene({ tokens: ['s3cret/token'], host: '0.0.0.0' })
      await using _ = harness
      assert.deepEqual(await refusedWs(harness), { status: 401, code: 'unauthorized' })
      assert.equal((await refusedWs(harness, '', { 'sec-websocket-protocol': 'cares.v1, cares.token.d3Jvbmc' })).status, 401)
      const token = `cares.token.${Buffer.from('s3cret/token').toString('base64url')}`
      const client = await openWs(harness, '', ['cares.v1', token])
      assert.equal(client.socket.protocol, 'cares.v1', 'the token is not repeated')
      client.socket.close()
    })
  })

  it('is a bad request for who does not ask for a WebSocket', async () => {
    const { harness } = scene()
    await using _ = harness
    const answer = await harness.app.inject('/v1/ws')
    assert.equal(answer.statusCode, 400)
    assert.equal(answer.json<{ code: string }>().code, 'bad_request')
  })

  it('leaves offers of other protocols alone', async () => {
    const { harness } = scene()
    await using _ = harness
    const socket = await connect(harness)
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAAA\r\n\r\n')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    assert.match(chunk.toString(), /^HTTP\/1\.1 200 /)
    socket.destroy()
  })
})

/** Lets time pass until what is under way has arrived. */
async function inTime<Value>({ clock }: Harness, value: Promise<Value>): Promise<Value> {
  const over = new AbortController()
  void value.finally(() => over.abort())
  while (!over.signal.aborted) {
    clock.advance(GATHER_MS)
    await new Promise(setImmediate)
  }
  return value
}

/** A connection that has been upgraded, to be read by hand. */
async function handshaken(harness: Harness): Promise<Awaited<ReturnType<typeof connect>>> {
  const socket = await connect(harness)
  socket.write(
    `GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`
  )
  let head = ''
  while (!head.includes('\r\n\r\n')) {
    await once(socket, 'readable')
    const byte = socket.read(1) as Buffer | null
    head += String(byte ?? '')
    for (
      let one = socket.read(1) as Buffer | null;
      one !== null;
      one = head.endsWith('\r\n\r\n') ? null : (socket.read(1) as Buffer | null)
    )
      head += String(one)
  }
  return socket
}

/** The first whole frame of a server (RFC 6455, 5.2): its length, and its text if it is one of text. */
function firstFrame(bytes: Buffer): { length: number; text: string | undefined } | undefined {
  if (bytes.length < 2) return undefined
  const short = (bytes[1] ?? 0) & 127
  const headLength = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < headLength) return undefined
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < headLength + length) return undefined
  const isText = ((bytes[0] ?? 0) & 15) === 1
  return { length: headLength + length, text: isText ? bytes.subarray(headLength, headLength + length).toString() : undefined }
}
