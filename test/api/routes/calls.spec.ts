import assert from 'node:assert/strict'
import { CaresError } from '../../../src/model/errors.ts'
import type { InvocationRequest } from '../../../src/model/service.ts'
import { createHarness, type Harness } from '../harness.ts'
import { bytes, INVOCATION, sampleAnswer, sampleHead, textOf } from '../../support/samples.ts'

const invoked = ({ service }: Harness): InvocationRequest =>
  service.asked.find(({ method }) => method === 'invoke')?.args[0] as InvocationRequest

describe('a call', () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'] as const) {
    it(`passes ${method} on, with path, query and headers`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject({
        method,
        url: '/fn/thumb/a%2Fb?x=%20&y',
        headers: { 'x-many': 'yes', traceparent: '00-1-2-01' }
      })
      assert.equal(answer.statusCode, 200)
      const { function: name, head } = invoked(harness)
      assert.deepEqual([name, head.method, head.path, head.query], ['thumb', method, '/a%2Fb', 'x=%20&y'])
      assert.ok(head.headers.some(([key, value]) => key === 'x-many' && value === 'yes'))
      assert.ok(head.headers.some(([key, value]) => key === 'traceparent' && value === '00-1-2-01'))
    })
  }

  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png', 'not a type', undefined]) {
    it(`passes a body of type ${type} on as it is`, async () => {
      await using harness = createHarness()
      const payload = '{"not": json'
      const answer = await harness.app.inject({
        method: 'POST',
        url: '/fn/thumb',
        payload,
        headers: type === undefined ? {} : { 'content-type': type }
      })
      assert.equal(answer.statusCode, 200, answer.body)
      assert.equal(answer.body, payload)
      assert.equal(invoked(harness).head.bodyBytes, payload.length)
      assert.equal(invoked(harness).head.headers.find(([name]) => name === 'content-type')?.[1], type)
    })
  }

  it('says who answered, how it was started, who placed it, and what the time went into', async () => {
    await using harness = createHarness({
      invoke: async () =>
        sampleAnswer({ head: sampleHead({ start: 'cold', timing: { queueMs: 1.25, pullMs: 0, startMs: 300 } }), placement: 'fallback' })
    })
    const { headers, trailers } = await harness.app.inject('/fn/thumb')
    assert.equal(headers['x-cares-invocation'], INVOCATION)
    assert.equal(headers['x-cares-peer'], '12D3KooWBirch')
    assert.equal(headers['x-cares-start'], 'cold')
    assert.equal(headers['x-cares-placement'], 'fallback')
    assert.equal(headers['server-timing'], 'queue;dur=1.3, pull;dur=0, start;dur=300')
    assert.equal(trailers['server-timing'], 'queue;dur=2, pull;dur=0, start;dur=0.3, run;dur=42')
  })

  const SANDBOX = 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads'
  const policies: readonly (readonly [own: string | undefined, sent: string | readonly string[]])[] = [
    [undefined, SANDBOX],
    ["default-src 'self'", ["default-src 'self'", SANDBOX]],
    ["default-src 'none'; sandbox", "default-src 'none'; sandbox"],
    ['sandbox allow-scripts allow-same-origin', ['sandbox allow-scripts allow-same-origin', SANDBOX]],
    ["default-src sandbox.example 'self'", ["default-src sandbox.example 'self'", SANDBOX]]
  ]
  for (const [own, sent] of policies) {
    it(`keeps a function’s pages out of the origin of the dashboard: with ${own ?? 'no policy of their own'}`, async () => {
      const headers = own === undefined ? [] : [['content-security-policy', own] as const]
      await using harness = createHarness({ invoke: async () => sampleAnswer({ head: sampleHead({ headers }) }) })
      const { headers: got } = await harness.app.inject('/fn/thumb')
      const values = [got['content-security-policy']].flat().flatMap(value => value?.split(/, (?=sandbox)/) ?? [])
      assert.deepEqual(values, [sent].flat())
    })
  }

  it('gives the function’s status and headers back, repeated ones repeated, without those that are not its to set', async () => {
    const head = sampleHead({
      status: 418,
      headers: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Cares-Peer', 'forged'],
        ['Connection', 'close'],
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '4']
      ]
    })
    await using harness = createHarness({ invoke: async () => sampleAnswer({ head }) })
    const answer = await harness.app.inject('/fn/thumb')
    assert.equal(answer.statusCode, 418)
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(answer.headers['x-cares-peer'], '12D3KooWBirch')
    assert.equal(answer.headers['content-length'], '4')
    assert.equal(answer.headers['transfer-encoding'], undefined)
    assert.equal(answer.headers.trailer, undefined)
    assert.equal(answer.body, 'done')
  })

  it('reads what the caller asks of it: key, peer and timeout', async () => {
    await using harness = createHarness()
    await harness.app.inject({ url: '/fn/thumb', headers: { 'idempotency-key': 'k-1', 'x-cares-on': 'birch', 'x-cares-timeout': '1.5s' } })
    const { idempotencyKey, on, timeoutMs, head } = invoked(harness)
    assert.deepEqual({ idempotencyKey, on, timeoutMs }, { idempotencyKey: 'k-1', on: 'birch', timeoutMs: 1_500 })
    assert.ok(!head.headers.some(([name]) => name.startsWith('x-cares-')), 'and keeps it from the function')
  })

  it('reads what a call asks of its placement, and keeps it from the function', async () => {
    await using harness = createHarness()
    for (const params of ['x'.repeat(257), 'caf\u00e9']) {
      const answer = await harness.app.inject({ method: 'POST', url: '/fn/thumb', headers: { 'x-cares-params': params }, payload: 'x' })
      assert.equal(answer.statusCode, 422, params)
    }
    const headers = { 'x-cares-objective': 'cheap', 'x-cares-max-cost': '2.5e-4', 'x-cares-require': 'zone=eu, gpu' }
    await harness.app.inject({ url: '/fn/thumb', headers })
    const { asked, head } = invoked(harness)
    assert.deepEqual(asked, { objective: 'cheap', maxCostUsd: 0.000_25, require: ['zone=eu', 'gpu'] })
    assert.ok(!head.headers.some(([name]) => name.startsWith('x-cares-')))
  })

  it('asks for nothing that the caller did not', async () => {
    await using harness = createHarness()
    await harness.app.inject('/fn/thumb')
    const { idempotencyKey, on, timeoutMs, asked } = invoked(harness)
    assert.deepEqual([idempotencyKey, on, timeoutMs, asked], [undefined, undefined, undefined, undefined])
  })

  it('is the same by the names that OpenFaaS clients know, with the id they look for', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject({ method: 'POST', url: '/function/thumb/a?b', payload: 'x' })
    assert.equal(answer.body, 'x')
    assert.equal(answer.headers['x-call-id'], INVOCATION)
    assert.deepEqual([invoked(harness).head.path, invoked(harness).head.query], ['/a', 'b'])
    assert.equal((await harness.app.inject('/fn/thumb')).headers['x-call-id'], undefined)
  })

  for (const [claim, head] of [
    ['a status that is none', sampleHead({ status: 99 })],
    ['a switch of protocols', sampleHead({ status: 101 })],
    ['a header with a line break', sampleHead({ headers: [['x-a', 'b\r\nset-cookie: c=d']] })],
    ['a length that is no number', sampleHead({ headers: [['content-length', '-1']] })],
    ['a header without a name', sampleHead({ headers: [['', 'b']] })],
    [
      'two lengths',
      sampleHead({
        headers: [
          ['content-length', '3'],
          ['content-length', '4']
        ]
      })
    ]
  ] as const) {
    it(`is a function_protocol error when the function answers with ${claim}, and ends the function`, async () => {
      let ended = false
      const body = (async function* () {
        try {
          yield Buffer.from('x')
        } finally {
          ended = true
        }
      })()
      await body.next()
      await using harness = createHarness({ invoke: async () => sampleAnswer({ head, body }) })
      const answer = await harness.app.inject('/fn/thumb')
      assert.equal(answer.statusCode, 502)
      assert.equal(answer.json<{ code: string }>().code, 'function_protocol')
      assert.ok(ended)
    })
  }

  it('says what a failed function said', async () => {
    await using harness = createHarness({
      invoke: async () => {
        throw new CaresError('function_failed', 'exit 3', { details: { exitCode: 3, stderr: 'boom', invocation: INVOCATION } })
      }
    })
    const answer = await harness.app.inject('/fn/thumb')
    assert.equal(answer.statusCode, 500)
    assert.equal(answer.headers['x-cares-invocation'], INVOCATION)
    const { code, exitCode, stderr } = answer.json<{ code: string; exitCode: number; stderr: string }>()
    assert.deepEqual({ code, exitCode, stderr }, { code: 'function_failed', exitCode: 3, stderr: 'boom' })
  })

  it('is refused at once when it says that its body is too large', async () => {
    await using harness = createHarness({}, { bodyBytesMax: 10 })
    const answer = await harness.app.inject({ method: 'POST', url: '/fn/thumb', payload: '12345678901' })
    assert.equal(answer.statusCode, 413)
    assert.equal(answer.json<{ bodyBytesMax: number }>().bodyBytesMax, 10)
    assert.deepEqual(harness.service.asked, [])
    assert.equal((await harness.app.inject({ method: 'POST', url: '/fn/thumb', payload: '1234567890' })).statusCode, 200)
  })

  it('sends no body to HEAD and with 204, whatever the function wrote', async () => {
    await using harness = createHarness({ invoke: async () => sampleAnswer({ head: sampleHead({ status: 204 }), body: bytes('x') }) })
    assert.equal((await harness.app.inject('/fn/thumb')).body, '')
    assert.equal((await harness.app.inject({ method: 'HEAD', url: '/fn/thumb' })).body, '')
  })
})

describe('an asynchronous call', () => {
  for (const [url, callId] of [
    ['/async/thumb/a?b', undefined],
    ['/async-function/thumb/a?b', INVOCATION]
  ] as const) {
    it(`is accepted at ${url.slice(0, -4)} with the place of its result`, async () => {
      let body = ''
      await using harness = createHarness({
        invokeAsync: async request => {
          body = await textOf(request.body)
          return { invocation: INVOCATION }
        }
      })
      const answer = await harness.app.inject({ method: 'POST', url, payload: 'work', headers: { 'idempotency-key': 'k' } })
      assert.equal(answer.statusCode, 202)
      assert.equal(answer.headers.location, `/v1/invocations/${INVOCATION}`)
      assert.equal(answer.headers['x-cares-invocation'], INVOCATION)
      assert.equal(answer.headers['x-call-id'], callId)
      assert.deepEqual(answer.json(), { invocation: INVOCATION, location: `/v1/invocations/${INVOCATION}`, state: 'queued' })
      assert.equal(body, 'work')
      const request = harness.service.asked[0]?.args[0] as InvocationRequest
      assert.deepEqual([request.function, request.head.path, request.head.query, request.idempotencyKey], ['thumb', '/a', 'b', 'k'])
    })
  }

  it('of an unknown function is 404, not accepted', async () => {
    await using harness = createHarness()
    assert.equal((await harness.app.inject({ method: 'POST', url: '/async/ocr' })).statusCode, 404)
  })
})
