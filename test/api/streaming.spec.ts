import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { CaresError } from '../../src/model/errors.ts'
import { bytes, INVOCATION, sampleAnswer, sampleHead, sampleUsage, textOf } from '../support/samples.ts'
import { createHarness } from './harness.ts'
import { connect, head, open, rest, untilClosed } from './sockets.ts'

/** A body that waits for a test to go on. */
function gatedBody() {
  const gate = Promise.withResolvers<void>()
  const body = (async function* () {
    yield Buffer.from('first')
    await gate.promise
    yield Buffer.from('second')
  })()
  return { body, gate }
}

describe('a call over a socket', () => {
  it('streams the answer as it comes, and tells the times in a trailer', async () => {
    const { body, gate } = gatedBody()
    await using harness = createHarness({ invoke: async () => sampleAnswer({ body }) })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    const response = await head(request)
    const [first] = (await once(response, 'data')) as [Buffer]
    assert.equal(first.toString(), 'first', 'before the second exists')
    gate.resolve()
    assert.equal(await rest(response), 'second')
    assert.equal(response.trailers['server-timing'], 'queue;dur=2, pull;dur=0, start;dur=0.3, run;dur=42')
  })

  it('streams the request as it comes', async () => {
    const chunks: string[] = []
    const arrived = Promise.withResolvers<void>()
    await using harness = createHarness({
      invoke: async ({ body }) => {
        for await (const chunk of body) {
          chunks.push(Buffer.from(chunk).toString())
          arrived.resolve()
        }
        return sampleAnswer()
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, { method: 'POST' })
    request.write('first')
    await arrived.promise
    assert.deepEqual(chunks, ['first'], 'before the second was sent')
    request.end('second')
    assert.equal(await rest(await head(request)), 'done')
    assert.equal(chunks.join(''), 'firstsecond')
  })

  it('does not read ahead of a slow client', async () => {
    let produced = 0
    const full = Promise.withResolvers<void>()
    const body = (async function* () {
      for (; produced < 1_000; produced++) {
        yield Buffer.alloc(65_536)
        setImmediate(() => full.resolve())
      }
    })()
    await using harness = createHarness({ invoke: async () => sampleAnswer({ body }) })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    const response = await head(request)
    response.pause()
    await full.promise
    // The sockets' own buffers hold some megabytes; 64 MiB they do not.
    for (let before = -1; before !== produced; ) {
      before = produced
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    assert.ok(produced < 500, `produced ${produced} of 1000 chunks that nobody read`)
    request.destroy()
  })

  it('cancels the invocation when the client goes away', async () => {
    const invoked = Promise.withResolvers<AbortSignal>()
    await using harness = createHarness({
      invoke: async (_, { signal }) => {
        invoked.resolve(signal)
        await once(signal, 'abort')
        throw signal.reason
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    request.on('error', () => {})
    const signal = await invoked.promise
    assert.equal(signal.aborted, false)
    request.destroy()
    await once(signal, 'abort')
    assert.equal((signal.reason as CaresError).code, 'cancelled')
  })

  it('cancels the invocation when the client goes away in the middle of the answer', async () => {
    let signal: AbortSignal | undefined
    const ended = Promise.withResolvers<void>()
    const body = (async function* () {
      try {
        for (;;) yield Buffer.alloc(65_536)
      } finally {
        ended.resolve()
      }
    })()
    await using harness = createHarness({
      invoke: async (_, options) => {
        signal = options.signal
        return sampleAnswer({ body })
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    await once(await head(request), 'data')
    request.destroy()
    await ended.promise
    assert.equal(signal?.aborted, true)
  })

  it('does not cancel an invocation that has been answered', async () => {
    let signal: AbortSignal | undefined
    await using harness = createHarness({
      invoke: async (_, options) => {
        signal = options.signal
        return sampleAnswer()
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    await rest(await head(request))
    await once(request, 'close')
    assert.equal(signal?.aborted, false)
  })

  for (const [claim, sent, answer] of [
    [
      'the function fails half way',
      'half',
      () => {
        const body = (async function* () {
          yield Buffer.from('half')
          throw new CaresError('out_of_memory', 'killed')
        })()
        return sampleAnswer({ body, end: new Promise<never>(() => {}) })
      }
    ],
    [
      'the end of the answer is a failure',
      'done',
      () => {
        const end = Promise.reject(new CaresError('function_failed', 'exit 1'))
        end.catch(() => {})
        return sampleAnswer({ end })
      }
    ],
    ['the function sends less than it promised', 'done', () => sampleAnswer({ head: sampleHead({ headers: [['content-length', '99']] }) })],
    ['the function sends more than it promised', '', () => sampleAnswer({ head: sampleHead({ headers: [['content-length', '2']] }) })]
  ] as const) {
    it(`breaks the connection off when ${claim}`, async () => {
      await using harness = createHarness({ invoke: async () => answer() })
      const socket = await connect(harness)
      socket.write('GET /fn/thumb HTTP/1.1\r\nhost: x\r\n\r\n')
      const text = await untilClosed(socket)
      assert.match(text, /^HTTP\/1.1 200 OK/)
      if (sent !== '') assert.ok(text.includes(sent), 'what was sent before arrives')
      assert.doesNotMatch(text, /\r\n0\r\n/, 'without the chunk that ends a body')
    })
  }

  it('tells a client of HTTP/1.0 the end of the answer by closing', async () => {
    await using harness = createHarness()
    const socket = await connect(harness)
    socket.write('POST /fn/thumb HTTP/1.0\r\ncontent-length: 2\r\n\r\nhi')
    const text = await untilClosed(socket)
    assert.match(text, /\r\n\r\nhi$/)
    assert.doesNotMatch(text, /trailer|transfer-encoding/i)
  })

  it('refuses a body that becomes too large on its way, whatever the service makes of it', async () => {
    await using harness = createHarness(
      {
        invoke: async ({ body }) => {
          try {
            for await (const _ of body);
          } catch (cause) {
            throw new CaresError('peer_lost', 'the lane broke', { cause })
          }
          return sampleAnswer()
        }
      },
      { bodyBytesMax: 10 }
    )
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, { method: 'POST' })
    request.write('12345678901')
    const response = await head(request)
    assert.equal(response.statusCode, 413)
    assert.match(await rest(response), /"code":"too_large"/)
    request.destroy()
  })

  it('asks for an expected body only when the function wants it', async () => {
    const called = Promise.withResolvers<void>()
    const wanted = Promise.withResolvers<void>()
    await using harness = createHarness({
      invoke: async ({ body }) => {
        called.resolve()
        await wanted.promise
        return sampleAnswer({ body: bytes(await textOf(body)) })
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, { method: 'POST', headers: { expect: '100-continue', 'content-length': '2' } })
    request.flushHeaders()
    let asked = false
    const continued = once(request, 'continue').then(() => {
      asked = true
    })
    await called.promise
    assert.equal(asked, false)
    wanted.resolve()
    await continued
    request.end('ok')
    assert.equal(await rest(await head(request)), 'ok')
  })

  it('does not ask for an expected body that it refuses', async () => {
    await using harness = createHarness({}, { bodyBytesMax: 10 })
    const socket = await connect(harness)
    socket.write('POST /fn/thumb HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 11\r\nconnection: close\r\n\r\n')
    const text = await untilClosed(socket)
    assert.match(text, /^HTTP\/1.1 413 /)
  })

  it('asks for an expected JSON body', async () => {
    await using harness = createHarness()
    await harness.api.start()
    const body = JSON.stringify({ name: 'ocr', image: 'acme/ocr' })
    const headers = { expect: '100-continue', 'content-type': 'application/json', 'content-length': String(body.length) }
    const request = open(`${harness.api.url}/v1/functions`, { method: 'POST', headers })
    request.flushHeaders()
    await once(request, 'continue')
    request.end(body)
    assert.equal((await head(request)).statusCode, 201)
  })

  it('closes a connection on which a refused body does not end', async () => {
    await using harness = createHarness()
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/ocr`, { method: 'POST', headers: { 'content-length': '1000' } })
    request.on('error', () => {})
    request.write('x')
    const response = await head(request)
    assert.equal(response.statusCode, 404)
    await rest(response)
    assert.equal(request.destroyed, false, 'not at once: the answer could be lost')
    harness.clock.advance(2_000)
    await once(request, 'close')
  })

  it('leaves a connection open for the next call when everything was read', async () => {
    await using harness = createHarness()
    const socket = await connect(harness)
    socket.write('POST /fn/thumb HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi')
    await once(socket, 'data')
    harness.clock.advance(2_000)
    socket.write('POST /fn/thumb HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nyou')
    assert.match(await untilClosed(socket), /you/)
  })

  it('reads on and forgets when a function answers before it has read its input', async () => {
    await using harness = createHarness({
      invoke: async ({ body }) => {
        const reader = body[Symbol.asyncIterator]()
        await reader.next()
        await reader.return?.()
        return sampleAnswer()
      }
    })
    await harness.api.start()
    const agent = new Agent({ keepAlive: true })
    const request = open(`${harness.api.url}/fn/thumb`, { method: 'POST', agent })
    // More than the sockets' own buffers hold: without a reader it would never be sent.
    request.end(Buffer.alloc(32 * 2 ** 20))
    const [answer] = await Promise.all([head(request).then(rest), once(request, 'finish')])
    agent.destroy()
    assert.equal(answer, 'done')
  })

  it('does not forget what a function reads on after its answer, and closes the connection when it reads no more', async () => {
    const over = Promise.withResolvers<void>()
    const all = Promise.withResolvers<number>()
    await using harness = createHarness({
      invoke: async ({ body }) => {
        const reader = body[Symbol.asyncIterator]()
        await reader.next()
        void (async () => {
          let bytes = 1
          while (bytes < 1_000_000) {
            const { value } = (await reader.next()) as { value: Uint8Array }
            bytes += value.length
          }
          all.resolve(bytes)
        })()
        return { ...sampleAnswer(), rest: over.promise }
      }
    })
    await harness.api.start()
    const agent = new Agent({ keepAlive: true })
    const request = open(`${harness.api.url}/fn/thumb`, { method: 'POST', agent, headers: { 'content-length': '2000000' } })
    request.on('error', () => {})
    request.write('x')
    assert.equal(await rest(await head(request)), 'done')
    harness.clock.advance(10_000)
    request.write(Buffer.alloc(999_999))
    assert.equal(await all.promise, 1_000_000)
    assert.equal(request.destroyed, false)
    over.resolve()
    await turn()
    harness.clock.advance(2_000)
    await once(request, 'close')
  })

  it('streams the times of a head that knows them', async () => {
    const timing = { queueMs: 1, pullMs: 2, startMs: 3 }
    const end = Promise.resolve({ usage: sampleUsage() })
    await using harness = createHarness({ invoke: async () => sampleAnswer({ head: sampleHead({ timing }), end }) })
    await harness.api.start()
    const response = await head(open(`${harness.api.url}/fn/thumb`, {}).end())
    assert.equal(response.headers['server-timing'], 'queue;dur=1, pull;dur=2, start;dur=3')
    assert.equal(response.headers['x-cares-invocation'], INVOCATION)
    await rest(response)
  })
})

describe('what is no request', () => {
  for (const [claim, text, status] of [
    ['is not HTTP', 'hello\r\n\r\n', 400],
    ['has headers that are too large', `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['has two lengths', 'POST /fn/thumb HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    ['has a length and chunks', 'POST /fn/thumb HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', 400]
  ] as const) {
    it(`is answered with a problem document when it ${claim}`, async () => {
      await using harness = createHarness()
      const socket = await connect(harness)
      socket.write(text)
      const [start = '', body = ''] = (await untilClosed(socket)).split('\r\n\r\n')
      assert.match(start, new RegExp(`^HTTP/1.1 ${status} `))
      assert.match(start, /content-type: application\/problem\+json/i)
      assert.equal((JSON.parse(body) as { code: string }).code, 'bad_request')
      assert.deepEqual(harness.service.asked, [])
    })
  }
})
