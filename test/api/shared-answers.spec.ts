import assert from 'node:assert/strict'
import { sampleListing } from '../support/samples.ts'
import { createHarness, type Harness } from './harness.ts'

/** An API that counts how often its peers are read. */
function counting(): Harness & { reads: () => number } {
  let reads = 0
  const harness = createHarness({
    peers: () => {
      reads++
      return [sampleListing()]
    }
  })
  return Object.assign(harness, { reads: () => reads })
}

const ask = async (
  { app }: Harness,
  url: string,
  headers: { readonly [name: string]: string | undefined } = { 'cache-control': 'max-age=1' }
) => await app.inject({ url, headers })

describe('answers that many ask for', () => {
  it('are made once a second for those who allow that age, and read like any other', async () => {
    await using harness = counting()
    const first = await ask(harness, '/v1/peers')
    const before = harness.reads()
    const second = await ask(harness, '/v1/peers')
    assert.equal(harness.reads(), before)
    assert.deepEqual(second.json(), first.json())
    for (const name of ['content-type', 'cache-control', 'x-content-type-options']) assert.equal(second.headers[name], first.headers[name])
    harness.clock.advance(1_000)
    await ask(harness, '/v1/peers')
    assert.ok(harness.reads() > before)
  })

  it('are made anew for who does not allow any age, and for who allows more than a peer gives', async () => {
    await using harness = counting()
    await ask(harness, '/v1/peers')
    let before = harness.reads()
    for (const headers of [{ accept: '*/*' }, { 'cache-control': 'max-age=0' }, { 'cache-control': 'no-cache' }]) {
      await ask(harness, '/v1/peers', headers)
      assert.ok(harness.reads() > before, JSON.stringify(headers))
      before = harness.reads()
    }
    harness.clock.advance(1_500)
    await ask(harness, '/v1/peers', { 'cache-control': 'max-age=3600' })
    assert.ok(harness.reads() > before)
  })

  it('are not mixed up: neither those of different questions, nor those for who calls the peer by another name', async () => {
    await using harness = createHarness()
    const urls = await Promise.all(
      ['one:7070', 'two:7070', 'one:7070'].map(async host => {
        const answer = await ask(harness, '/v1/functions', { host, 'cache-control': 'max-age=1' })
        return answer.json<{ items: { url: string }[] }>().items[0]?.url
      })
    )
    assert.deepEqual(urls, ['http://one:7070/fn/thumb', 'http://two:7070/fn/thumb', 'http://one:7070/fn/thumb'])
    const [all, few] = [await ask(harness, '/v1/invocations?limit=200'), await ask(harness, '/v1/invocations?limit=1')]
    assert.ok(all.payload.length >= few.payload.length)
  })

  it('are old after a change through the peer', async () => {
    await using harness = counting()
    await ask(harness, '/v1/peers')
    const before = harness.reads()
    await harness.app.inject({ method: 'DELETE', url: '/v1/functions/thumb' })
    await ask(harness, '/v1/peers')
    assert.ok(harness.reads() > before)
  })

  it('stay with those who may have them', async () => {
    await using harness = createHarness({}, { tokens: ['right'], host: '0.0.0.0' })
    const open = { 'x-cares-token': 'right', 'cache-control': 'max-age=1' }
    assert.equal((await ask(harness, '/v1/peers', open)).statusCode, 200)
    assert.equal((await ask(harness, '/v1/peers')).statusCode, 401)
  })
})
