import assert from 'node:assert/strict'
import { createHarness } from './harness.ts'

describe('reads of what is agreed', () => {
  for (const [method, url] of [
    ['GET', '/v1/functions'],
    ['GET', '/v1/functions/thumb'],
    ['HEAD', '/v1/functions/thumb'],
    ['DELETE', '/v1/functions/thumb'],
    ['GET', '/v1/tasks'],
    ['GET', '/v1/strategy']
  ] as const) {
    it(`begin by catching up: ${method} ${url}`, async () => {
      const order: string[] = []
      await using harness = createHarness({
        catchUp: async () => {
          order.push('caught up')
          return { staleMs: 0 }
        }
      })
      const { headers, statusCode } = await harness.app.inject({ method, url })
      assert.equal(statusCode, 200)
      assert.deepEqual(order, ['caught up'])
      assert.equal(headers['x-cares-stale-ms'], undefined)
    })
  }

  it('say so where nobody could tell whether they are up to date', async () => {
    await using harness = createHarness({ catchUp: async () => ({ staleMs: 1_234 }) })
    const { headers, statusCode } = await harness.app.inject({ url: '/v1/functions' })
    assert.deepEqual([statusCode, headers['x-cares-stale-ms']], [200, '1234'])
  })

  it('ask nobody for who allows an old answer, for what is made, and for what is not agreed', async () => {
    let asked = 0
    await using harness = createHarness({
      catchUp: async () => {
        asked++
        return { staleMs: 0 }
      }
    })
    await harness.app.inject({ url: '/v1/functions', headers: { 'cache-control': 'max-age=1' } })
    await harness.app.inject({ url: '/v1/peers' })
    await harness.app.inject({ method: 'PUT', url: '/v1/functions/thumb', payload: { image: 'acme/thumb' } })
    assert.equal(asked, 0)
    await harness.app.inject({ url: '/v1/functions', headers: { 'cache-control': 'max-age=0' } })
    assert.equal(asked, 1)
  })
})
