import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { EventRecord } from '../../../src/model/events.ts'
import type { PeerService } from '../../../src/model/service.ts'
import { createHarness, type Harness } from '../harness.ts'
import { connect, head, open, rest } from '../sockets.ts'
import { ATLAS } from '../../support/fake-service.ts'

const joined = (id: number): EventRecord => ({
  id,
  at: '2026-01-02T03:04:05.000Z',
  type: 'peer:joined',
  data: { peer: ATLAS, name: 'atlas' }
})

/** What the service was asked for. */
const askedFor = ({ service }: Harness) =>
  service.asked.find(({ method }) => method === 'events')?.args[0] as { afterId?: number; types?: readonly string[] }

/** Events that never end by themselves. */
const endless = (count: number): PeerService['events'] =>
  async function* ({ signal }) {
    for (let id = 1; id <= count && !signal.aborted; id++) yield joined(id)
    if (!signal.aborted) await once(signal, 'abort')
  }

describe('/v1/events', () => {
  it('sends each event with its id, name and record', async () => {
    await using harness = createHarness({
      events: async function* () {
        yield joined(4)
      }
    })
    const answer = await harness.app.inject('/v1/events')
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(answer.body, `retry: 1000\n\nid: 7.4\nevent: peer:joined\ndata: ${JSON.stringify(joined(4))}\n\n`)
  })

  for (const [lastEventId, afterId] of [
    [undefined, undefined],
    ['0', 0],
    ['41', 41],
    ['7.41', 41],
    ['6.900', 0]
  ] as const) {
    it(`goes on after ${afterId} for Last-Event-ID ${lastEventId} in session 7`, async () => {
      await using harness = createHarness()
      await harness.app.inject({ url: '/v1/events', headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId } })
      assert.equal(askedFor(harness).afterId, afterId)
    })
  }

  it('takes names and nouns of events', async () => {
    await using harness = createHarness()
    await harness.app.inject('/v1/events?types=invocation,peer:gone')
    assert.deepEqual(askedFor(harness).types, ['invocation:placed', 'invocation:finished', 'peer:gone'])
  })

  it('ends after what is kept when asked not to follow', async () => {
    let ended = false
    const called = Promise.withResolvers<void>()
    await using harness = createHarness({
      events: async function* (options) {
        called.resolve()
        try {
          yield* endless(2)(options)
        } finally {
          ended = true
        }
      }
    })
    const answer = harness.app.inject('/v1/events?follow=false')
    await called.promise
    for (let i = 0; i < 5; i++) {
      await new Promise(setImmediate)
      harness.clock.advance(50)
    }
    const { body } = await answer
    assert.equal(body.match(/^id: /gm)?.length, 2)
    assert.equal(askedFor(harness).afterId, 0, 'from the first that is kept')
    await new Promise(setImmediate)
    assert.ok(ended, 'and the source is let go')
  })

  it('says that it is alive every 15 seconds', async () => {
    await using harness = createHarness({ events: endless(0) })
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/v1/events`, {}).end())
    await once(response, 'data')
    harness.clock.advance(15_000)
    const [beat] = (await once(response, 'data')) as [Buffer]
    assert.equal(beat.toString(), ': heartbeat\n\n')
    response.destroy()
  })

  it('lets the source go when the reader goes away', async () => {
    const reading = Promise.withResolvers<AbortSignal>()
    await using harness = createHarness({
      events: async function* (options) {
        reading.resolve(options.signal)
        yield* endless(1)(options)
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/v1/events`, {}).end()
    await once(await head(request), 'data')
    request.destroy()
    const signal = await reading.promise
    if (!signal.aborted) await once(signal, 'abort')
    const streams = harness.clock.pending
    harness.clock.advance(15_000)
    assert.ok(harness.clock.pending <= streams, 'no heartbeat is left behind')
  })

  it('ends when the API stops', async () => {
    await using harness = createHarness({ events: endless(0) })
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/v1/events`, {}).end())
    const text = rest(response)
    await harness.api.stop()
    assert.equal(await text, 'retry: 1000\n\n')
  })

  it('drops a reader that is too far behind, and says how many events it missed', async () => {
    const COUNT = 200_000
    const produced = Promise.withResolvers<void>()
    await using harness = createHarness({
      events: async function* (options) {
        for (let id = 1; id <= COUNT; id++) {
          // As events do, they come with pauses in which the sockets work.
          if (id % 1_000 === 0) await new Promise(setImmediate)
          yield joined(id)
        }
        produced.resolve()
        yield* endless(0)(options)
      }
    })
    const socket = await connect(harness)
    socket.pause()
    socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await produced.promise
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    const received = [...text.matchAll(/^id: 7\.(\d+)$/gm)].length
    const [, missed, lastId] = /event: dropped\ndata: \{"missed":(\d+),"lastId":(\d+)\}/.exec(text) ?? []
    assert.equal(Number(lastId), received)
    assert.equal(Number(missed) + received, COUNT)
    assert.ok(Number(missed) > 0)
  })
})
