import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createApi } from '../../src/api/api.ts'
import { REST_PATHS } from '../../src/model/rest-paths.ts'
import { sampleAnswer } from '../support/samples.ts'
import { createHarness } from './harness.ts'
import { head, open, rest } from './sockets.ts'

describe('the API', () => {
  it('starts and stops as often as it is told', async () => {
    const { api } = createHarness()
    await api.start()
    await api.start()
    assert.match(api.url, /^http:\/\/127\.0\.0\.1:\d+$/)
    await api.stop()
    await api.stop()
  })

  it('says when its address is taken', async () => {
    await using one = createHarness()
    await one.api.start()
    await using two = createHarness({}, { port: Number(new URL(one.api.url).port) })
    await assert.rejects(two.api.start(), { name: 'CaresError', code: 'conflict' })
  })

  for (const [host, url] of [
    ['0.0.0.0', 'http://127.0.0.1:7070'],
    ['::1', 'http://[::1]:7070'],
    ['atlas.lan', 'http://atlas.lan:7070']
  ] as const) {
    it(`calls itself ${url} on ${host}`, async () => {
      await using harness = createHarness({}, { host, port: 7_070 })
      assert.equal(harness.api.url, url)
    })
  }

  it('lets a call end before it stops, and refuses new ones meanwhile', async () => {
    const called = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    const harness = createHarness({
      invoke: async () => {
        called.resolve()
        await answered.promise
        return sampleAnswer()
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    await called.promise
    const stopped = harness.api.stop()
    const late = await harness.app.inject('/v1/peers').catch(() => null)
    if (late !== null) assert.equal(late.json<{ code: string }>().code, 'stopping')
    answered.resolve()
    assert.equal(await rest(await head(request)), 'done')
    harness.clock.advance(50)
    await stopped
  })

  it('ends calls that take longer than its grace', async () => {
    const called = Promise.withResolvers<AbortSignal>()
    const harness = createHarness({
      invoke: async (_, { signal }) => {
        called.resolve(signal)
        await once(signal, 'abort')
        throw signal.reason
      }
    })
    await harness.api.start()
    const request = open(`${harness.api.url}/fn/thumb`, {}).end()
    const broken = once(request, 'error')
    const signal = await called.promise
    const stopped = harness.api.stop()
    harness.clock.advance(9_999)
    assert.equal(signal.aborted, false)
    harness.clock.advance(1)
    assert.equal((signal.reason as { code: string }).code, 'stopping')
    await broken
    await stopped
  })

  for (const [budget, url, init] of [
    ['calls', '/fn/thumb', { callsMax: 1 }],
    ['requests', '/v1/checks', { requestsMax: 1 }],
    ['streams', '/v1/logs?function=thumb', { streamsMax: 1 }]
  ] as const) {
    it(`serves ${budget} up to their limit, refuses the next, and serves again`, async () => {
      let arrived = Promise.withResolvers<void>()
      const hold = Promise.withResolvers<void>()
      const wait = async (): Promise<void> => {
        arrived.resolve()
        await hold.promise
      }
      await using harness = createHarness(
        {
          invoke: async () => wait().then(() => sampleAnswer()),
          checks: async () => wait().then(() => []),
          // oxlint-disable-next-line require-yield -- a stream of nothing
          logs: async function* () {
            await wait()
          }
        },
        init
      )
      const first = harness.app.inject(url)
      await arrived.promise
      const second = await harness.app.inject(url)
      assert.equal(second.statusCode, 429)
      assert.equal(second.headers['retry-after'], '1')
      assert.equal(second.json<{ code: string }>().code, 'overloaded')
      assert.equal((await harness.app.inject('/healthz')).statusCode, 200, 'probes are answered')
      if (budget !== 'requests') assert.equal((await harness.app.inject('/v1/peers')).statusCode, 200, 'questions are answered')
      arrived = Promise.withResolvers()
      hold.resolve()
      assert.equal((await first).statusCode, 200)
      assert.equal((await harness.app.inject(url)).statusCode, 200)
    })
  }
})

interface Document {
  readonly openapi: string
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Record<string, unknown>; readonly summary?: string }>>>
  >
}

describe('/openapi.json', () => {
  it('describes every path of the API in OpenAPI 3.1', async () => {
    await using harness = createHarness()
    const document = (await harness.app.inject('/openapi.json')).json<Document>()
    assert.match(document.openapi, /^3\.1\./)
    const paths = Object.values(REST_PATHS)
      .filter(path => path !== REST_PATHS.openapi)
      .map(path => path.replace(/:([a-z]+)/g, '{$1}'))
    const below = ['/fn/{name}/{path}', '/async/{name}/{path}']
    assert.deepEqual(Object.keys(document.paths).toSorted(), [...paths, ...below].toSorted())
    assert.doesNotMatch(JSON.stringify(document), /"\*"/, 'the name that the router has for the rest of a path')
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, { responses, summary }] of Object.entries(operations)) {
        assert.ok(summary, `${method} ${path} says what it does`)
        assert.ok(responses['4XX'] !== undefined && responses['5XX'] !== undefined, `${method} ${path} says how it fails`)
      }
    }
  })

  it('names its schemas, and refers to none that is not there', async () => {
    await using harness = createHarness()
    const { body } = await harness.app.inject('/openapi.json')
    const { schemas } = (JSON.parse(body) as { components: { schemas: object } }).components
    const references = [...body.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? '')
    assert.ok(references.length > 20)
    assert.deepEqual(
      [...new Set(references)].filter(name => !Object.hasOwn(schemas, name)),
      []
    )
  })

  it('has a page that loads nothing from elsewhere', async () => {
    await using harness = createHarness()
    const page = await harness.app.inject('/docs/')
    assert.equal(page.statusCode, 200)
    assert.doesNotMatch(String(page.headers['content-security-policy']), /upgrade-insecure-requests/)
    assert.doesNotMatch(page.body, /(?:src|href)="https?:/)
  })
})

describe('createApi', () => {
  it('needs nothing but a peer, a clock and a log', () => {
    const { service, clock, log } = createHarness()
    assert.doesNotThrow(() => createApi({ host: '127.0.0.1', port: 0 }, { service, clock, log }))
  })
})
