import type { InjectOptions } from 'fastify'
import type { IncomingMessage } from 'node:http'
import assert from 'node:assert/strict'
import type { ApiInit } from '../../src/api/api.ts'
import { createAccess } from '../../src/api/access.ts'
import { createHarness } from './harness.ts'

const REMOTE = { remoteAddress: '192.0.2.7' }
const LOCKED: Partial<ApiInit> = { tokens: ['right', 'also-right'], host: '0.0.0.0' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

interface Case {
  readonly claim: string
  readonly init: Partial<ApiInit>
  readonly request: InjectOptions
  readonly allowed: boolean
}

const CASES: readonly Case[] = [
  { claim: 'anyone, when there are no tokens', init: { host: '0.0.0.0' }, request: REMOTE, allowed: true },
  { claim: 'nobody without a token', init: LOCKED, request: REMOTE, allowed: false },
  { claim: 'nobody with a wrong token', init: LOCKED, request: { ...REMOTE, headers: bearer('wrong') }, allowed: false },
  { claim: 'nobody with a part of a token', init: LOCKED, request: { ...REMOTE, headers: bearer('righ') }, allowed: false },
  { claim: 'nobody with an empty token', init: LOCKED, request: { ...REMOTE, headers: { authorization: 'Bearer ' } }, allowed: false },
  { claim: 'nobody with another scheme', init: LOCKED, request: { ...REMOTE, headers: { authorization: 'Basic right' } }, allowed: false },
  { claim: 'the first token', init: LOCKED, request: { ...REMOTE, headers: bearer('right') }, allowed: true },
  { claim: 'the second token', init: LOCKED, request: { ...REMOTE, headers: bearer('also-right') }, allowed: true },
  { claim: 'a token in the header of our own', init: LOCKED, request: { ...REMOTE, headers: { 'x-cares-token': 'right' } }, allowed: true },
  { claim: 'not this machine, when the server is open to others', init: LOCKED, request: {}, allowed: false },
  { claim: 'this machine, when the server is for it alone', init: { ...LOCKED, host: '127.0.0.1' }, request: {}, allowed: true },
  { claim: 'this machine by IPv6', init: { ...LOCKED, host: '::1' }, request: { remoteAddress: '::1' }, allowed: true },
  {
    claim: 'not what a proxy on this machine forwards',
    init: { ...LOCKED, host: '127.0.0.1' },
    request: { headers: { 'x-forwarded-for': '192.0.2.7' } },
    allowed: false
  }
]

describe('access is for', () => {
  for (const { claim, init, request, allowed } of CASES) {
    it(claim, async () => {
      await using harness = createHarness({}, init)
      for (const url of ['/v1/peers', '/fn/thumb', '/openapi.json', '/metrics']) {
        const answer = await harness.app.inject({ url, ...request })
        assert.equal(answer.statusCode, allowed ? 200 : 401, url)
        if (!allowed) assert.equal(answer.headers['www-authenticate'], 'Bearer realm="cares"')
      }
      for (const url of ['/healthz', '/readyz', '/version', '/']) {
        assert.equal((await harness.app.inject({ url, ...request })).statusCode, 200, `${url} is for everyone`)
      }
    })
  }

  it('nobody who would only learn what is there', async () => {
    await using harness = createHarness({}, LOCKED)
    assert.equal((await harness.app.inject({ url: '/nope', ...REMOTE })).statusCode, 401)
  })
})

describe('a token', () => {
  it('does not reach the function, but another Authorization does', async () => {
    await using harness = createHarness({}, LOCKED)
    await harness.app.inject({ url: '/fn/thumb', headers: bearer('right') })
    await harness.app.inject({ url: '/fn/thumb', headers: { ...bearer('for-the-function'), 'x-cares-token': 'right' } })
    const headers = harness.service.asked
      .filter(({ method }) => method === 'invoke')
      .map(({ args }) => (args[0] as { head: { headers: readonly (readonly [string, string])[] } }).head.headers)
    assert.ok(!JSON.stringify(headers).includes('right'))
    assert.ok(headers[1]?.some(([name, value]) => name === 'authorization' && value === 'Bearer for-the-function'))
  })
})

describe('a page of another site', () => {
  const LEAVE = { method: 'POST', url: '/v1/leave' } as const

  for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
    it(`changes nothing without a token (${JSON.stringify(headers)})`, async () => {
      await using harness = createHarness()
      assert.equal((await harness.app.inject({ ...LEAVE, headers })).statusCode, 401)
      assert.deepEqual(harness.service.asked, [])
    })
  }

  it('may call functions', async () => {
    await using harness = createHarness()
    assert.equal(
      (await harness.app.inject({ method: 'POST', url: '/fn/thumb', headers: { origin: 'http://evil.example' } })).statusCode,
      200
    )
  })

  it('is not what a page of this peer is, nor a program with a token', async () => {
    await using harness = createHarness({}, { tokens: ['t'] })
    const own = { host: 'localhost:7070', origin: 'http://localhost:7070', 'sec-fetch-site': 'same-origin' }
    assert.equal((await harness.app.inject({ ...LEAVE, headers: own })).statusCode, 200)
    assert.equal((await harness.app.inject({ ...LEAVE, headers: { ...bearer('t'), origin: 'http://dash.example' } })).statusCode, 200)
  })
})

describe('a page that points its own name at this machine', () => {
  const EVIL = { host: 'evil.example:7070', origin: 'http://evil.example:7070' }

  for (const [method, url] of [
    ['GET', '/v1/cluster'],
    ['DELETE', '/v1/functions/thumb'],
    ['GET', '/metrics'],
    ['POST', '/fn/thumb']
  ] as const) {
    it(`gets nothing from ${method} ${url}`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject({ method, url, headers: EVIL })
      assert.equal(answer.statusCode, 400)
      const { code, hint } = answer.json<{ code: string; hint: string }>()
      assert.deepEqual([code, hint], ['bad_request', 'ask it by its address, or start the peer with --allow-host evil.example'])
      assert.deepEqual(harness.service.asked, [])
    })
  }

  it('is asked for a token where one would help', async () => {
    await using harness = createHarness({}, { tokens: ['t'] })
    assert.equal((await harness.app.inject({ url: '/v1/peers', headers: EVIL })).statusCode, 401)
    assert.equal((await harness.app.inject({ url: '/v1/peers', headers: { ...EVIL, ...bearer('t') } })).statusCode, 200)
  })

  it('is not trusted with the secret, though it is on this machine', () => {
    const access = createAccess({ tokens: [], loopbackOnly: true })
    const request = (host: string): IncomingMessage => ({ headers: { host }, socket: { remoteAddress: '127.0.0.1' } }) as IncomingMessage
    assert.deepEqual(
      ['localhost:7070', 'evil.example'].map(host => access.trusts(request(host))),
      [true, false]
    )
  })

  it('is not the operator, who names the peer', async () => {
    await using harness = createHarness({}, { host: '0.0.0.0', hostNames: ['evil.example'] })
    assert.equal((await harness.app.inject({ url: '/v1/peers', headers: EVIL })).statusCode, 200)
  })
})
