import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CaresError } from '../../../src/model/errors.ts'
import { type Answer, problem, startFakeApi } from '../fake-api.ts'
import { NOW, EXPLANATION, INVOCATION, INVOCATION_ID, PEER_LIST, THUMB } from '../samples.ts'
import { run } from './run.ts'

/** What a function answers that repeats its input. */
const echo: Answer = (response, { body }) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'x-cares-invocation': INVOCATION_ID })
  response.end(body)
}

const failed: Answer = problem('function_failed', `${INVOCATION_ID} failed on birch: exit 3`, 500, {
  exitCode: 3,
  stderr: 'no such thing\n',
  invocation: INVOCATION_ID
})

describe('cares invoke', () => {
  it('sends text, and prints the answer as it is', async () => {
    await using api = await startFakeApi({ 'POST /fn/thumb': echo })
    assert.deepEqual(await run(['invoke', 'thumb', '-d', 'hello'], { api: api.url }), { code: 0, stdout: 'hello', stderr: '' })
    assert.equal(api.asked[0]?.headers['content-type'], 'text/plain')
    await run(['invoke', 'thumb', '-d', '{"a":1}'], { api: api.url })
    assert.equal(api.asked[1]?.headers['content-type'], 'application/json')
  })

  it('sends a file with its length, and what is piped in', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cares-cli-'))
    try {
      await using api = await startFakeApi({ 'POST /fn/thumb': echo })
      const file = join(directory, 'data')
      await writeFile(file, 'from a file')
      assert.equal((await run(['invoke', 'thumb', '-d', `@${file}`], { api: api.url })).stdout, 'from a file')
      assert.equal(api.asked[0]?.headers['content-length'], '11')
      for (const flags of [[], ['-d', '-'], ['-d', '@-']]) {
        assert.equal((await run(['invoke', 'thumb', ...flags], { api: api.url, stdin: 'from a pipe' })).stdout, 'from a pipe')
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('asks with GET and no body when there is nothing to send', async () => {
    await using api = await startFakeApi({ 'GET /fn/shop': echo, 'GET /fn/shop/items': echo })
    assert.equal((await run(['invoke', 'shop'], { api: api.url })).code, 0)
    assert.equal((await run(['invoke', 'shop', '--path', 'items?page=2'], { api: api.url })).code, 0)
    assert.equal((await run(['invoke', 'shop', '-X', 'GET'], { api: api.url, stdin: 'not to be sent' })).stdout, '')
    assert.equal((await run(['invoke', 'shop', '--path', '?q=1'], { api: api.url })).code, 0)
    assert.deepEqual(
      api.asked.map(({ url }) => url),
      ['/fn/shop', '/fn/shop/items?page=2', '/fn/shop', '/fn/shop?q=1']
    )
  })

  it('passes on method, headers, peer, time limit and key', async () => {
    await using api = await startFakeApi({ 'PUT /fn/shop': echo })
    const flags = [
      '-X',
      'PUT',
      '-H',
      'Content-Type: image/png',
      '-H',
      'authorization: mine',
      '--on',
      'birch',
      '--timeout',
      '5s',
      '--idempotency-key',
      'k1',
      '--objective',
      'cheap',
      '--max-cost',
      '0.0000001',
      '--require',
      'zone=eu',
      '--require',
      'gpu'
    ]
    const environment = {
      readClientSettings: async () =>
        ({
          api: api.url,
          token: 'secret-token',
          output: 'table',
          color: 'never',
          verbose: false,
          quiet: false,
          readOnly: false,
          warnings: []
        }) as const
    }
    assert.equal((await run(['invoke', 'shop', '-d', 'x', ...flags], { environment })).code, 0)
    const headers = api.asked[0]?.headers ?? {}
    assert.equal(headers['content-type'], 'image/png')
    assert.equal(headers['x-cares-on'], 'birch')
    assert.equal(headers['x-cares-timeout'], '5000ms')
    assert.equal(headers['idempotency-key'], 'k1')
    assert.equal(headers['x-cares-objective'], 'cheap')
    assert.equal(Number(headers['x-cares-max-cost']), 1e-7)
    assert.equal(headers['x-cares-require'], 'zone=eu,gpu')
    // The function's own authorization and the peer's do not get into each other's way.
    assert.equal(headers['authorization'], 'mine')
    assert.equal(headers['x-cares-token'], 'secret-token')
  })

  it('declares parameters, and takes a price as programs write it', async () => {
    await using api = await startFakeApi({ 'POST /fn/thumb': echo })
    const flags = ['--params', 'quality=high', '--max-cost', '2.5e-7']
    assert.equal((await run(['invoke', 'thumb', '-d', 'x', ...flags], { api: api.url })).code, 0)
    assert.equal(api.asked[0]?.headers['x-cares-params'], 'quality=high')
    assert.equal(Number(api.asked[0]?.headers['x-cares-max-cost']), 2.5e-7)
  })

  it('refuses what is no price and no label before anything is sent', async () => {
    for (const wrong of [
      ['--max-cost', '0e0'],
      ['--max-cost', '1e999'],
      ['--require', 'zone=='],
      ['--require', '=eu']
    ]) {
      assert.equal((await run(['invoke', 'thumb', '-d', 'x', ...wrong])).code, 2, wrong.join(' '))
    }
  })

  it('refuses to wait for no time at all, and says what to write', async () => {
    const { code, stderr } = await run(['invoke', 'thumb', '--timeout', '0ms'])
    assert.equal(code, 2)
    assert.match(stderr, /not longer than nothing: "0ms"; write a duration like 250ms or 30s/)
  })

  it('prints each piece of an answer when it comes, and takes input at the same time', async () => {
    const stdin = new PassThrough()
    const answering = Promise.withResolvers<ServerResponse>()
    await using api = await startFakeApi({
      'POST /fn/chat': response => answering.resolve(response)
    })
    // The fake reads the whole body before it answers, so the end of the input comes first.
    stdin.end('question')
    const pieces: string[] = []
    const ended = run(['invoke', 'chat', '-d', '-'], {
      api: api.url,
      stdin,
      onStdout: piece => {
        pieces.push(piece)
        if (pieces.length === 1) void answering.promise.then(response => response.end('two'))
      }
    })
    const response = await answering.promise
    response.write('one')
    assert.equal((await ended).code, 0)
    assert.deepEqual(pieces, ['one', 'two'])
  })

  it('tells with -v where it ran and why, on stderr', async () => {
    await using api = await startFakeApi({ 'POST /fn/thumb': echo, [`GET /v1/invocations/${INVOCATION_ID}/explain`]: EXPLANATION })
    assert.deepEqual(await run(['invoke', 'thumb', '-d', 'x', '-v'], { api: api.url }), {
      code: 0,
      stdout: 'x',
      stderr: `* invocation ${INVOCATION_ID} on birch: 50ms expected, next best atlas: 168ms expected (see: cares explain ${INVOCATION_ID})\n* queue 2ms  pull 0ms  start 0ms (warm)  run 42ms  total 44ms\n`
    })
  })

  it('does not fail a call whose story cannot be told', async () => {
    await using api = await startFakeApi({ 'POST /fn/thumb': echo })
    const { code, stderr } = await run(['invoke', 'thumb', '-d', 'x', '-v'], { api: api.url })
    assert.equal(code, 0)
    assert.match(stderr, /cannot be told/)
  })

  it('exits with 8 when the function failed, with the end of its stderr', async () => {
    await using api = await startFakeApi({ 'POST /fn/ocr': failed })
    assert.deepEqual(await run(['invoke', 'ocr', '-d', 'x'], { api: api.url }), {
      code: 8,
      stdout: '',
      stderr: `cares: ${INVOCATION_ID} failed on birch: exit 3\n  no such thing\n  try: cares logs ${INVOCATION_ID}\n`
    })
  })

  it("exits with --raw-exit as the function's process did", async () => {
    await using api = await startFakeApi({ 'POST /fn/ocr': failed })
    assert.deepEqual(await run(['invoke', 'ocr', '-d', 'x', '--raw-exit'], { api: api.url }), {
      code: 3,
      stdout: '',
      stderr: 'no such thing\n'
    })
  })

  it('prints what an http function answered with an error status, and exits with 8', async () => {
    await using api = await startFakeApi({ 'GET /fn/shop': response => void response.writeHead(404).end('no such item') })
    assert.deepEqual(await run(['invoke', 'shop'], { api: api.url }), {
      code: 8,
      stdout: 'no such item',
      stderr: 'cares: shop answered 404\n'
    })
  })

  it('says that an answer broke off, and does not pass it for a whole one', async () => {
    await using api = await startFakeApi({
      'GET /fn/shop': response => {
        response.write('half of it')
        setImmediate(() => response.destroy())
      }
    })
    const { code, stderr } = await run(['invoke', 'shop'], { api: api.url })
    assert.equal(code, 1)
    assert.match(stderr, /^cares: the answer of shop broke off in the middle/)
  })

  it('tells why an answer broke off, where the peer knows it', async () => {
    const error = { code: 'function_failed', message: 'shop exited with code 4' }
    await using api = await startFakeApi({
      'GET /fn/shop': response => {
        response.writeHead(200, { 'x-cares-invocation': INVOCATION_ID }).write('half of it')
        setImmediate(() => response.destroy())
      },
      [`GET /v1/invocations/${INVOCATION_ID}`]: { ...INVOCATION, state: 'failed', error }
    })
    const { code, stderr } = await run(['invoke', 'shop'], { api: api.url })
    assert.equal(code, 8)
    assert.match(stderr, /^cares: the answer of shop broke off in the middle: shop exited with code 4\n {2}try: cares logs i-/)
  })

  it('refuses what is no method before anything is sent', async () => {
    const { code, stderr } = await run(['invoke', 'shop', '-X', 'TWO WORDS'])
    assert.equal(code, 2)
    assert.match(stderr, /not an HTTP method: "TWO WORDS"/)
  })

  it('offers the closest function', async () => {
    await using api = await startFakeApi({
      'POST /fn/thmb': problem('not_found', 'no function named thmb', 404),
      'GET /v1/functions': { items: [THUMB] }
    })
    const { code, stderr } = await run(['invoke', 'thmb', '-d', 'x'], { api: api.url })
    assert.equal(code, 4)
    assert.equal(stderr, 'cares: no function named thmb\n  try: cares invoke thumb -d x   (closest name)\n')
  })

  it('offers the closest peer for --on', async () => {
    await using api = await startFakeApi({
      'POST /fn/thumb': problem('not_found', 'no peer named brich', 404),
      'GET /v1/functions': { items: [THUMB] },
      'GET /v1/peers': PEER_LIST
    })
    assert.match(
      (await run(['invoke', 'thumb', '-d', 'x', '--on', 'brich'], { api: api.url })).stderr,
      /try: cares invoke thumb -d x --on birch /
    )
  })

  it('breaks the connection when it is interrupted, which cancels the call', async () => {
    const interrupt = new AbortController()
    const closed = Promise.withResolvers<void>()
    await using api = await startFakeApi({
      'POST /fn/slow': response => {
        response.once('close', closed.resolve)
        interrupt.abort(new CaresError('cancelled', 'ended', { details: { signal: 'SIGINT' } }))
      }
    })
    assert.equal((await run(['invoke', 'slow', '-d', 'x'], { api: api.url, signal: interrupt.signal })).code, 130)
    await closed.promise
  })

  it('hands a call over with --async and prints its id', async () => {
    await using api = await startFakeApi({ 'POST /async/thumb': { invocation: INVOCATION_ID, location: '', state: 'queued' } })
    const { code, stdout, stderr } = await run(['invoke', 'thumb', '-d', 'x', '--async'], { api: api.url })
    assert.deepEqual([code, stdout, stderr], [0, `${INVOCATION_ID}\n`, `thumb accepted; see: cares explain ${INVOCATION_ID}\n`])
  })

  it('waits with --async --wait for the end, however long, and prints the answer', async () => {
    let polls = 0
    await using api = await startFakeApi({
      'POST /async/thumb': { invocation: INVOCATION_ID, location: '', state: 'queued' },
      [`GET /v1/invocations/${INVOCATION_ID}`]: response => {
        response.end(JSON.stringify({ ...INVOCATION, state: ++polls < 3 ? 'running' : 'succeeded', result: polls >= 3 }))
      },
      [`GET /v1/invocations/${INVOCATION_ID}/result`]: response => void response.end('the answer')
    })
    assert.deepEqual(await run(['invoke', 'thumb', '-d', 'x', '--async', '--wait'], { api: api.url }), {
      code: 0,
      stdout: 'the answer',
      stderr: ''
    })
    assert.equal(polls, 3)
  })

  it('tells why a call that was waited for has no answer', async () => {
    await using api = await startFakeApi({
      'POST /async/thumb': { invocation: INVOCATION_ID, location: '', state: 'queued' },
      [`GET /v1/invocations/${INVOCATION_ID}`]: {
        ...INVOCATION,
        state: 'failed',
        error: { code: 'no_capacity', message: 'nobody has room' }
      }
    })
    const { code, stderr } = await run(['invoke', 'thumb', '-d', 'x', '--async', '--wait'], { api: api.url })
    assert.equal(code, 6)
    assert.equal(stderr, `cares: nobody has room\n  try: cares explain ${INVOCATION_ID}\n`)
  })

  it('refuses a body that cannot be read before it asks anybody', async () => {
    for (const [data, message] of [
      ['@/no/such/file', /cannot read \/no\/such\/file: no such file/],
      ['@/', /it is a folder/]
    ] as const) {
      const { code, stderr } = await run(['invoke', 'thumb', '-d', data])
      assert.equal(code, 2)
      assert.match(stderr, message)
    }
  })

  it('tells a waiting person how much of the image has come, and clears that line', async () => {
    const told = Promise.withResolvers<void>()
    let tick = (): void => {}
    const clock = {
      sleep: async () => {},
      every: (_: number, task: () => void | Promise<void>) => {
        tick = () => void task()
        return { [Symbol.dispose]: () => {} }
      }
    }
    const events = [
      { id: 1, type: 'image:progressed', data: { function: 'other', from: 'p', bytes: 1, imageBytes: 2 } },
      { id: 2, type: 'image:progressed', data: { function: 'thumb', from: 'p', bytes: 40 * 2 ** 20, imageBytes: 400 * 2 ** 20 } }
    ]
    await using api = await startFakeApi({
      'POST /fn/thumb': async response => {
        await told.promise
        response.end('done')
      },
      'GET /v1/events': (response, { headers }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        // A reader that is told that it missed something comes back, when it has read the rest.
        if (headers['last-event-id'] === '1.2') {
          tick()
          told.resolve()
        } else {
          const lines = events.map(event => `id: 1.${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify({ ...event, at: NOW })}\n\n`)
          response.write(`${lines.join('')}event: dropped\ndata: {"missed":1,"lastId":2}\n\n`)
        }
        response.end()
      }
    })
    const { stdout, stderr } = await run(['invoke', 'thumb', '-d', 'x'], { api: api.url, clock, tty: true })
    assert.equal(stdout, 'done')
    assert.equal(stderr, '\r\u001B[Kcalling thumb: its image comes from another peer, 40Mi of about 400Mi … 0s\r\u001B[K')
  })
})
