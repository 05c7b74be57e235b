import assert from 'node:assert/strict'
import { once } from 'node:events'
import { CaresClient } from '../../src/faces/client.ts'
import { nodeFetch } from '../../src/faces/node-fetch.ts'
import { CaresError } from '../../src/model/errors.ts'
import { eventually } from '../support/eventually.ts'
import { type FakeApi, problem, startFakeApi } from './fake-api.ts'
import { PEER_LIST } from './samples.ts'

const NEVER = new AbortController().signal
const clientOf = (api: FakeApi): CaresClient => new CaresClient({ api: `${api.url}/`, fetch: nodeFetch, timeout: () => NEVER })

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

async function failure(work: Promise<unknown>): Promise<CaresError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof CaresError, `not a CaresError: ${String(error)}`)
  return error
}

describe('the REST client', () => {
  it('escapes names in paths', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers/a%2Fb': {} })
    await clientOf(api).peer('a/b', { signal: NEVER })
    assert.equal(api.asked[0]?.url, '/v1/peers/a%2Fb')
  })

  it('gives an error of the peer with its code, hint and details', async () => {
    const details = { exitCode: 3, stderr: 'no', hint: 'do this', retryable: true }
    await using api = await startFakeApi({ 'GET /v1/peers': problem('function_failed', 'it failed', 500, details) })
    const { code, message, hint, retryable, details: known } = await failure(clientOf(api).peers({ signal: NEVER }))
    assert.deepEqual(
      { code, message, hint, retryable },
      { code: 'function_failed', message: 'it failed', hint: 'do this', retryable: true }
    )
    assert.deepEqual(known, { status: 500, exitCode: 3, stderr: 'no' })
  })

  it('takes a code of a newer peer for an internal error, and keeps its words', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers': problem('brand_new' as 'internal', 'news', 500) })
    const error = await failure(clientOf(api).peers({ signal: NEVER }))
    assert.deepEqual([error.code, error.message], ['internal', 'news'])
  })

  it('is cancelled by its signal while it waits for an answer, and while it reads one', async () => {
    await using api = await startFakeApi({ 'GET /v1/peers': response => void response.write('{"items":') })
    const before = new AbortController()
    before.abort()
    assert.equal((await failure(clientOf(api).peers({ signal: before.signal }))).code, 'cancelled')
    const during = new AbortController()
    const reading = failure(clientOf(api).peers({ signal: during.signal }))
    await eventually('the question', () => api.asked.length > 0)
    during.abort()
    assert.equal((await reading).code, 'cancelled')
  })

  it('says that an answer broke off', async () => {
    await using api = await startFakeApi({
      'GET /v1/peers': response => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{')
        setImmediate(() => response.destroy())
      }
    })
    const error = await failure(clientOf(api).peers({ signal: NEVER }))
    assert.equal(error.code, 'peer_unreachable')
    assert.match(error.message, /the connection broke$/)
  })

  it('refuses an address that is none', async () => {
    const client = new CaresClient({ api: 'nonsense', fetch: nodeFetch, timeout: () => NEVER })
    assert.equal((await failure(client.peers({ signal: NEVER }))).code, 'invalid')
  })

  it('reads log lines wherever the pieces are cut', async () => {
    const lines = [{ text: 'one' }, { text: 'zwei – drei' }]
    const bytes = Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    await using api = await startFakeApi({
      'GET /v1/logs': async response => {
        for (const byte of bytes) {
          response.write(Buffer.of(byte))
          await new Promise(setImmediate)
        }
        response.end()
      }
    })
    assert.deepEqual(await collect(clientOf(api).logs({ function: 'thumb', tail: 10, follow: false, signal: NEVER })), lines)
    assert.equal(api.asked[0]?.url, '/v1/logs?function=thumb&tail=10')
  })

  const event = (id: number) => `id: 7.${id}\nevent: function:removed\ndata: {"id":${id},"type":"function:removed"}\n\n`

  it('tells of events that are missing, and goes on behind them', async () => {
    const dropped = 'event: dropped\ndata: {"missed":3,"lastId":1,"reason":"slow"}\n\n'
    await using api = await startFakeApi({
      'GET /v1/events': response => void response.end(`retry: 1000\n\n${event(1)}${dropped}${event(5)}`)
    })
    const gaps: unknown[] = []
    const onGap = (gap: unknown): void => void gaps.push(gap)
    const events = await collect(clientOf(api).events({ types: ['function', 'peer'], follow: true, onGap, signal: NEVER }))
    assert.deepEqual(
      events.map(({ id }) => id),
      [1, 5]
    )
    assert.deepEqual(gaps, [{ missed: 3, lastId: 1, reason: 'slow' }])
    assert.equal(api.asked[0]?.url, '/v1/events?types=function%2Cpeer')
  })

  it('takes up a stream that was lost where it broke, as long as it is told to', async () => {
    let times = 0
    await using api = await startFakeApi({
      'GET /v1/events': response => {
        times++
        response.write(`retry: 1000\n\n${event(times)}`)
        // Once broken off, once ended in order.
        if (times === 1) setImmediate(() => response.destroy())
        else response.end()
      }
    })
    const lost: (string | undefined)[] = []
    const enough = new AbortController()
    const events: number[] = []
    const onLost = async (error: { code: string } | undefined): Promise<void> => {
      lost.push(error?.code)
      if (lost.length === 3) throw new Error('enough')
    }
    const reading = async (): Promise<void> => {
      for await (const { id } of clientOf(api).events({ follow: true, onLost, signal: enough.signal })) events.push(id)
    }
    await assert.rejects(reading(), { message: 'enough' })
    assert.deepEqual(events, [1, 2, 3])
    assert.deepEqual(lost, ['peer_unreachable', undefined, undefined])
    assert.deepEqual(
      api.asked.map(({ headers }) => headers['last-event-id']),
      ['0', '7.1', '7.2']
    )
  })

  it('does not wait for a peer that was never there', async () => {
    const client = new CaresClient({ api: 'http://127.0.0.1:1', fetch: nodeFetch, timeout: () => NEVER })
    const events = client.events({ follow: true, onLost: async () => assert.fail('nothing was lost'), signal: NEVER })
    await assert.rejects(collect(events), { code: 'peer_unreachable' })
  })

  it('asks for the events that are kept, and no more, when it is not to follow', async () => {
    await using api = await startFakeApi({ 'GET /v1/events': response => void response.end() })
    assert.deepEqual(await collect(clientOf(api).events({ follow: false, signal: NEVER })), [])
    assert.equal(api.asked[0]?.url, '/v1/events?follow=false')
  })

  it('gets the answer of a peer that refuses before it has read the body', async () => {
    const server = (await import('node:http')).createServer((_, response) => {
      response.writeHead(413, { 'content-type': 'application/problem+json', connection: 'close' })
      response.end(JSON.stringify({ code: 'too_large', detail: 'too large' }))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const { port } = server.address() as { port: number }
      const client = new CaresClient({ api: `http://127.0.0.1:${port}`, fetch: nodeFetch, timeout: () => NEVER })
      const large = Buffer.alloc(1 << 20)
      async function* body() {
        for (let piece = 0; piece < 4; piece++) yield large
      }
      const answer = await client.invoke('thumb', { method: 'POST', path: '/', headers: [], body: body() }, { signal: NEVER })
      assert.equal(answer.status, 413)
      assert.equal((await client.failure(answer, { signal: NEVER })).code, 'too_large')
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('fails with the cause when the body to send cannot be read', async () => {
    await using api = await startFakeApi({ 'POST /fn/thumb': PEER_LIST })
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some')
      throw new CaresError('invalid', 'the file is gone')
    }
    const work = clientOf(api).invoke('thumb', { method: 'POST', path: '/', headers: [], body: broken() }, { signal: NEVER })
    assert.equal((await failure(work)).message, 'the file is gone')
  })
})
