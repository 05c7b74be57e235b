import type { InjectOptions } from 'fastify'
import assert from 'node:assert/strict'
import type { Problem } from '../../src/model/rest.ts'
import { createHarness } from './harness.ts'

interface Refusal {
  readonly claim: string
  readonly request: InjectOptions
  readonly status: number
  readonly code: string
  readonly headers?: Readonly<Record<string, string>>
}

const json = (body: unknown): InjectOptions => ({ payload: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
const put = (body: object): InjectOptions => ({
  method: 'POST',
  url: '/v1/functions',
  ...json({ name: 'thumb', image: 'acme/thumb', ...body })
})

const REFUSALS: readonly Refusal[] = [
  { claim: 'a path that is not there', request: { url: '/nope' }, status: 404, code: 'not_found' },
  { claim: 'a function path without a name', request: { url: '/fn' }, status: 404, code: 'not_found' },
  {
    claim: 'a method that a path does not take',
    request: { method: 'DELETE', url: '/v1/peers' },
    status: 405,
    code: 'bad_request',
    headers: { allow: 'GET, HEAD' }
  },
  {
    claim: 'a method that a path with a parameter does not take',
    request: { method: 'PATCH', url: '/v1/functions/x' },
    status: 405,
    code: 'bad_request',
    headers: { allow: 'DELETE, GET, HEAD, PUT' }
  },
  { claim: 'a call of a function without a name', request: { url: '/fn/' }, status: 404, code: 'not_found' },
  { claim: 'a URL with a broken escape', request: { url: '/v1/peers/%zz' }, status: 400, code: 'bad_request' },
  {
    claim: 'a body that is not JSON',
    request: { method: 'POST', url: '/v1/functions', payload: '{"name":', headers: { 'content-type': 'application/json' } },
    status: 400,
    code: 'bad_request'
  },
  { claim: 'no body where one is needed', request: { method: 'POST', url: '/v1/functions' }, status: 422, code: 'invalid' },
  {
    claim: 'an empty JSON body',
    request: { method: 'POST', url: '/v1/functions', payload: '', headers: { 'content-type': 'application/json' } },
    status: 400,
    code: 'bad_request'
  },
  {
    claim: 'a body of another type',
    request: { method: 'POST', url: '/v1/functions', payload: 'name: thumb', headers: { 'content-type': 'text/yaml' } },
    status: 415,
    code: 'bad_request'
  },
  {
    claim: 'a body that says it is text',
    request: { method: 'POST', url: '/v1/functions', payload: '{}', headers: { 'content-type': 'text/plain' } },
    status: 415,
    code: 'bad_request'
  },
  { claim: 'a JSON body that is too large', request: put({ image: 'x'.repeat(300_000) }), status: 413, code: 'too_large' },
  {
    claim: 'a body that would change prototypes',
    request: {
      method: 'POST',
      url: '/v1/functions',
      payload: '{"__proto__":{"a":1},"name":"a","image":"b"}',
      headers: { 'content-type': 'application/json' }
    },
    status: 400,
    code: 'bad_request'
  },
  { claim: 'a field that does not exist', request: put({ memroy: 1 }), status: 422, code: 'invalid' },
  { claim: 'a field with a value that is not allowed', request: put({ cpus: 0 }), status: 422, code: 'invalid' },
  { claim: 'a query field that does not exist', request: { url: '/v1/peers?sort=cpu' }, status: 422, code: 'invalid' },
  { claim: 'a query with a value that is not allowed', request: { url: '/v1/invocations?limit=1001' }, status: 422, code: 'invalid' },
  { claim: 'a wait that is no duration', request: { url: '/v1/invocations/i-1?wait=soon' }, status: 422, code: 'invalid' },
  {
    claim: 'a name of another function in the body',
    request: { method: 'PUT', url: '/v1/functions/ocr', ...json({ name: 'thumb', image: 'x' }) },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'a name in the path that no function may have',
    request: { method: 'PUT', url: '/v1/functions/Thumb', ...json({ image: 'x' }) },
    status: 422,
    code: 'invalid'
  },
  { claim: 'a type of event that does not exist', request: { url: '/v1/events?types=peer,weather' }, status: 422, code: 'invalid' },
  {
    claim: 'a last event id of another kind of stream',
    request: { url: '/v1/events', headers: { 'last-event-id': 'abc' } },
    status: 400,
    code: 'bad_request'
  },
  { claim: 'logs of nothing', request: { url: '/v1/logs' }, status: 422, code: 'invalid' },
  { claim: 'logs of two things', request: { url: '/v1/logs?function=thumb&invocation=i-1' }, status: 422, code: 'invalid' },
  { claim: 'logs of a function that is not there', request: { url: '/v1/logs?function=ocr&follow' }, status: 404, code: 'not_found' },
  {
    claim: 'a callback URL',
    request: { method: 'POST', url: '/async/thumb', headers: { 'x-callback-url': 'http://x' } },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'an asynchronous call that is no POST',
    request: { url: '/async/thumb' },
    status: 405,
    code: 'bad_request',
    headers: { allow: 'POST' }
  },
  {
    claim: 'an asynchronous call with a large body',
    request: { method: 'POST', url: '/async/thumb', payload: Buffer.alloc(2 ** 20 + 1) },
    status: 413,
    code: 'too_large'
  },
  {
    claim: 'an idempotency key with spaces',
    request: { method: 'POST', url: '/fn/thumb', headers: { 'idempotency-key': 'a b' } },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'a timeout that is no duration',
    request: { url: '/fn/thumb', headers: { 'x-cares-timeout': '5' } },
    status: 422,
    code: 'invalid'
  },
  { claim: 'a timeout of nothing', request: { url: '/fn/thumb', headers: { 'x-cares-timeout': '0s' } }, status: 422, code: 'invalid' },
  {
    claim: 'an objective that is none',
    request: { url: '/fn/thumb', headers: { 'x-cares-objective': 'fast' } },
    status: 422,
    code: 'invalid'
  },
  { claim: 'a budget in words', request: { url: '/fn/thumb', headers: { 'x-cares-max-cost': 'little' } }, status: 422, code: 'invalid' },
  { claim: 'a budget of nothing', request: { url: '/fn/thumb', headers: { 'x-cares-max-cost': '0' } }, status: 422, code: 'invalid' },
  {
    claim: 'a label that is none',
    request: { url: '/fn/thumb', headers: { 'x-cares-require': 'zone = eu' } },
    status: 422,
    code: 'invalid'
  },
  { claim: 'a label of nothing', request: { url: '/fn/thumb', headers: { 'x-cares-require': '' } }, status: 422, code: 'invalid' },
  {
    claim: 'a quote for an objective that is none',
    request: { url: '/v1/functions/thumb/quote?objective=fast' },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'a quote with a budget in words',
    request: { url: '/v1/functions/thumb/quote?maxCostUsd=little' },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'a revision that is none',
    request: { method: 'DELETE', url: '/v1/functions/thumb', headers: { 'if-match': '"abc"' } },
    status: 422,
    code: 'invalid'
  },
  {
    claim: 'two expected revisions',
    request: { method: 'DELETE', url: '/v1/functions/thumb?ifRevision=2', headers: { 'if-match': '"3"' } },
    status: 422,
    code: 'invalid'
  }
]

describe('the API refuses', () => {
  for (const { claim, request, status, code, headers = {} } of REFUSALS) {
    it(`${claim}: ${status} ${code}`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject(request)
      assert.equal(answer.statusCode, status, answer.body)
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
      const problem = answer.json<Problem>()
      assert.equal(problem.code, code)
      assert.equal(problem.status, status)
      if (harness.service.asked.length === 0) assert.ok(problem.hint, `it says what to do: ${answer.body}`)
      for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers[name], value)
      const asked = harness.service.asked
        .map(({ method }) => method)
        .filter(method => !['function', 'invocation', 'catchUp'].includes(method))
      assert.deepEqual(asked, [], 'nothing was asked of the service')
      assert.deepEqual(
        harness.log.records.filter(({ level }) => level === 'error'),
        []
      )
    })
  }

  it('a body that is too large with the limit that it broke', async () => {
    await using harness = createHarness()
    const { detail, bodyBytesMax } = (await harness.app.inject(put({ image: 'x'.repeat(300_000) }))).json<Problem>()
    assert.deepEqual([detail, bodyBytesMax], ['the request body is larger than 256Ki', 262_144])
  })

  it('names every field that is wrong', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject(put({ memroy: 1, cpus: 1_000, env: { PORT: '1' } }))
    assert.deepEqual(
      answer
        .json<Problem>()
        .issues?.map(({ path }) => path)
        .toSorted(),
      ['cpus', 'env.PORT', 'memroy']
    )
  })

  it('repeats nothing of a request in a way that a browser could take for a page', async () => {
    await using harness = createHarness()
    for (const url of ['/<script>alert(1)</script>', '/fn/<script>', '/v1/peers/<b>?<i>']) {
      const answer = await harness.app.inject(encodeURI(url))
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, url)
      assert.doesNotMatch(answer.body, /[<>]/, url)
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    }
  })
})
