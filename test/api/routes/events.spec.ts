import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createHarness, type Harness } from '../harness.ts'
import { createNews, type News } from '../news.ts'
import { connect, head, open, rest } from '../sockets.ts'
import { eventually } from '../../support/eventually.ts'
import { ATLAS } from '../../support/samples.ts'

/** As the feed's own: after a change, its readers are told so much later. */
const GATHER_MS = 25

function opened(init: Parameters<typeof createHarness>[1] = {}): { news: News; harness: Harness } {
  const news = createNews()
  return { news, harness: createHarness(news.script, init) }
}

/** The stream of a reader that reads. */
async function read(harness: Harness, headers: Record<string, string> = {}, query = ''): Promise<IncomingMessage> {
  await harness.api.start()
  const response = await head(open(`${harness.api.url}/v1/events${query}`, { headers }).end())
  await once(response, 'readable')
  return response
}

/** Reads until the text holds what is waited for. */
async function readUntil(response: IncomingMessage, wanted: RegExp): Promise<string> {
  let text = ''
  for (;;) {
    text += String(response.read() ?? '')
    if (wanted.test(text)) return text
    await once(response, 'readable')
  }
}

const numbersIn = (text: string): readonly number[] => [...text.matchAll(/^id: 7\.(\d+)$/gm)].map(match => Number(match[1]))

describe('/v1/events', () => {
  it('sends each event with its id, name and record', async () => {
    const { news, harness } = opened()
    await using _ = harness
    news.emit()
    const answer = await harness.app.inject('/v1/events?follow=false')
    const record = { id: 1, at: '2026-01-02T03:04:05.000Z', type: 'peer:joined', data: { peer: ATLAS, name: 'atlas' } }
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(answer.body, `retry: 1000\n\nid: 7.1\nevent: peer:joined\ndata: ${JSON.stringify(record)}\n\n`)
  })

  for (const [lastEventId, numbers] of [
    ['0', [1, 2, 3]],
    ['2', [3]],
    ['7.2', [3]],
    ['6.900', [1, 2, 3]],
    ['7.900', []]
  ] as const) {
    it(`goes on with ${numbers.join() || 'nothing'} of three events for Last-Event-ID ${lastEventId} in session 7`, async () => {
      const { news, harness } = opened()
      await using _ = harness
      news.emit(3)
      const { body } = await harness.app.inject({ url: '/v1/events?follow=false', headers: { 'last-event-id': lastEventId } })
      assert.deepEqual(numbersIn(body), numbers)
      assert.equal(body.includes('"reason":"restarted"'), lastEventId === '6.900')
    })
  }

  it('sends what has happened since an earlier reader, although nobody follows', async () => {
    const { news, harness } = opened()
    await using _ = harness
    for (const numbers of [[1], [1, 2]]) {
      news.emit()
      assert.deepEqual(numbersIn((await harness.app.inject('/v1/events?follow=false')).body), numbers)
    }
  })

  it('begins now without an id, and tells what comes soon after it has come', async () => {
    const { news, harness } = opened()
    await using _ = harness
    news.emit(3)
    const response = await read(harness)
    news.emit(2)
    harness.clock.advance(GATHER_MS)
    assert.deepEqual(numbersIn(await readUntil(response, /id: 7\.5\n[^]*\n\n$/)), [4, 5])
    response.destroy()
  })

  it('takes names and nouns of events', async () => {
    const { news, harness } = opened()
    await using _ = harness
    news.emit(2)
    const bodies = await Promise.all(
      ['peer', 'invocation,peer:joined', 'invocation,peer:gone'].map(types => harness.app.inject(`/v1/events?follow=false&types=${types}`))
    )
    assert.deepEqual(
      bodies.map(({ body }) => numbersIn(body).length),
      [2, 2, 0]
    )
    assert.equal((await harness.app.inject('/v1/events?types=weather')).statusCode, 422)
  })

  it('tells how many events are gone for one that was away for too long', async () => {
    const { news, harness } = opened()
    await using _ = harness
    news.emit(5_000)
    const { body } = await harness.app.inject({ url: '/v1/events?follow=false', headers: { 'last-event-id': '7.10' } })
    const [first = 0] = numbersIn(body)
    assert.ok(body.includes(`event: dropped\ndata: ${JSON.stringify({ missed: first - 11, lastId: 10, reason: 'expired' })}\n\n`))
    assert.equal(numbersIn(body).at(-1), 5_000)
    assert.ok(!(await harness.app.inject('/v1/events?follow=false')).body.includes('dropped'), 'all that is kept has no gap')
  })

  it('says that it is alive every 15 seconds', async () => {
    const { harness } = opened()
    await using _ = harness
    const response = await read(harness)
    harness.clock.advance(15_000)
    assert.match(await readUntil(response, /heartbeat/), /\n: heartbeat\n\n$/)
    response.destroy()
  })

  it('lets the service go when the last reader goes away', async () => {
    const { news, harness } = opened()
    await using _ = harness
    const [first, second] = [await read(harness), await read(harness)]
    assert.equal(news.listeners, 1, 'all readers share one watch')
    for (const response of [first, second]) response.destroy()
    await eventually('nobody listens', () => news.listeners === 0)
    const { pending } = harness.clock
    harness.clock.advance(15_000)
    assert.ok(harness.clock.pending <= pending, 'no heartbeat is left behind')
  })

  it('ends when the API stops', async () => {
    const { harness } = opened()
    await using _ = harness
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/v1/events`, {}).end())
    const text = rest(response)
    await harness.api.stop()
    assert.equal(await text, 'retry: 1000\n\n')
  })

  it('holds one batch for a reader that is slow, tells it how many events it missed, and goes on', async () => {
    const COUNT = 60_000
    const { news, harness } = opened()
    await using _ = harness
    const socket = await connect(harness)
    socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await once(socket, 'readable')
    await eventually('the stream listens', () => news.listeners > 0)
    for (let sent = 0; sent < COUNT; sent += 500) {
      news.emit(500)
      harness.clock.advance(GATHER_MS)
      // The sockets work in the pauses between events: what the kernel takes, it takes.
      for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    }
    let text = ''
    socket.on('data', chunk => (text += String(chunk)))
    while (!text.includes(`id: 7.${COUNT}\n`)) {
      harness.clock.advance(GATHER_MS)
      await new Promise(setImmediate)
    }
    socket.destroy()
    const gaps = [...text.matchAll(/event: dropped\ndata: (.*)$/gm)].map(
      ([, data = '']) => JSON.parse(data) as { missed: number; reason: string }
    )
    const missed = gaps.reduce((sum, gap) => sum + gap.missed, 0)
    assert.ok(missed > 0)
    assert.deepEqual(new Set(gaps.map(({ reason }) => reason)), new Set(['slow']))
    assert.equal(numbersIn(text).length + missed, COUNT)
  })

  it('cuts off a reader that takes nothing for half a minute', async () => {
    const { news, harness } = opened()
    await using _ = harness
    const socket = await connect(harness)
    socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await once(socket, 'readable')
    await eventually('the stream listens', () => news.listeners > 0)
    for (let i = 0; i < 200; i++) {
      news.emit(500)
      harness.clock.advance(GATHER_MS)
      await new Promise(setImmediate)
    }
    harness.clock.advance(30_000)
    await eventually('nobody listens', () => news.listeners === 0)
    harness.clock.advance(5_000)
    socket.resume()
    await once(socket, 'close')
    assert.equal(news.listeners, 0)
  })
})
