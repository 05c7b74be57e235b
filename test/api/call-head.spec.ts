import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { readCallHead, travellingHeaders } from '../../src/api/call-head.ts'
import type { Headers } from '../../src/model/invocation.ts'

/** A request as Node's parser gives it. */
function request(
  url: string,
  { method = 'POST', headers = [], address = '192.0.2.7' }: { method?: string; headers?: Headers; address?: string } = {}
): IncomingMessage {
  return {
    method,
    url,
    rawHeaders: headers.flat(),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    socket: { remoteAddress: address }
  } as unknown as IncomingMessage
}

const read = (url: string, options?: Parameters<typeof request>[1], dropAuthorization = false) =>
  readCallHead(request(url, options), { prefixSegments: 2, dropAuthorization })

describe('readCallHead', () => {
  it('refuses more headers than pass between peers, and takes as many', () => {
    const headersOf = (count: number): Headers => Array.from({ length: count }, (_, i) => [`x-${i}`, 'v'] as const)
    assert.equal(read('/fn/thumb', { headers: headersOf(248) }).headers.length, 249)
    assert.throws(() => read('/fn/thumb', { headers: headersOf(249) }), { code: 'bad_request', message: /249 headers, and may have 248/ })
  })

  for (const [url, path, query] of [
    ['/fn/thumb', '/', ''],
    ['/fn/thumb/', '/', ''],
    ['/fn/thumb?', '/', ''],
    ['/fn/thumb?a=1', '/', 'a=1'],
    ['/fn/thumb/a/b?c=%2F&d', '/a/b', 'c=%2F&d'],
    ['/fn/thumb/a%2Fb/%20', '/a%2Fb/%20', ''],
    ['/fn/thumb//a', '//a', ''],
    ['/fn/thumb/../x', '/../x', ''],
    ['/fn/thumb/a?b?c', '/a', 'b?c'],
    ['/fn/thumb/a#b', '/a', ''],
    ['/fn/thumb/a;b=1', '/a;b=1', ''],
    ['http://atlas:7070/fn/thumb/a?q', '/a', 'q']
  ] as const) {
    it(`finds ${path} and "${query}" in ${url}`, () => {
      const head = read(url)
      assert.deepEqual([head.path, head.query], [path, query])
    })
  }

  it('gives any path and query back byte for byte', () => {
    const characters = fc.string({ unit: fc.constantFrom(...'aZ0-._~%2F+&=:@!$,;()*/'.split('')), maxLength: 40 })
    fc.assert(
      fc.property(characters, characters, (path, query) => {
        const head = read(`/fn/thumb/${path}?${query}`)
        assert.equal(head.path, `/${path}`)
        assert.equal(head.query, query)
      })
    )
  })

  it('keeps the order and the repetition of headers, in lower case', () => {
    const headers = [
      ['Accept', 'a'],
      ['X-Many', '1'],
      ['Traceparent', '00-1-2-01'],
      ['x-many', '2'],
      ['Idempotency-Key', 'k']
    ] as const
    assert.deepEqual(read('/fn/x', { headers }).headers, [
      ['accept', 'a'],
      ['x-many', '1'],
      ['traceparent', '00-1-2-01'],
      ['x-many', '2'],
      ['idempotency-key', 'k'],
      ['x-forwarded-for', '192.0.2.7']
    ])
  })

  it('adds the caller to those whom others have forwarded for', () => {
    const headers = [
      ['X-Forwarded-For', '198.51.100.1'],
      ['X-Forwarded-Proto', 'https']
    ] as const
    assert.deepEqual(read('/fn/x', { headers }).headers, [
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '198.51.100.1, 192.0.2.7']
    ])
  })

  it('drops the Authorization header only when it was for this peer', () => {
    const headers = [['Authorization', 'Bearer t']] as const
    assert.ok(read('/fn/x', { headers }).headers.some(([name]) => name === 'authorization'))
    assert.ok(!read('/fn/x', { headers }, true).headers.some(([name]) => name === 'authorization'))
  })

  it('knows the length of a body from its declaration only', () => {
    assert.equal(read('/fn/x').bodyBytes, 0)
    assert.equal(read('/fn/x', { headers: [['content-length', '12']] }).bodyBytes, 12)
    assert.equal(read('/fn/x', { headers: [['transfer-encoding', 'chunked']] }).bodyBytes, undefined)
  })

  it('refuses a length that is no number', () => {
    assert.throws(() => read('/fn/x', { headers: [['content-length', '1e999']] }), { code: 'bad_request' })
  })
})

describe('travellingHeaders', () => {
  it('leaves out what belongs to the connection, what Connection names, and what is CARES’ own', () => {
    const headers = [
      ['Connection', 'close, X-Private'],
      ['Keep-Alive', 'timeout=5'],
      ['TE', 'trailers'],
      ['Transfer-Encoding', 'chunked'],
      ['Upgrade', 'h2c'],
      ['Proxy-Authorization', 'secret'],
      ['Expect', '100-continue'],
      ['x-private', '1'],
      ['X-Cares-Peer', 'forged'],
      ['x-kept', '1']
    ] as const
    assert.deepEqual(travellingHeaders(headers), [['x-kept', '1']])
  })

  it('keeps those of CARES that are about the call', () => {
    assert.deepEqual(
      travellingHeaders([
        ['X-Cares-Params', 'a=1'],
        ['x-cares-ways', '2']
      ]),
      [
        ['x-cares-params', 'a=1'],
        ['x-cares-ways', '2']
      ]
    )
  })
})
