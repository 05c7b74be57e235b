import assert from 'node:assert/strict'
import type { Explanation, Invocation, InvocationList } from '../../../src/model/rest-invocations.ts'
import { summaryOf } from '../../../src/model/invocation-list.ts'
import { createHarness } from '../harness.ts'
import { ATLAS, BIRCH, INVOCATION, sampleHead, sampleInvocation } from '../../support/samples.ts'

describe('/v1/invocations', () => {
  it('lists what the peers tell, and names those that did not answer', async () => {
    const items = [summaryOf(sampleInvocation({ gateway: BIRCH }), { hasResult: true })]
    await using harness = createHarness({ invocations: async () => ({ items, missing: [BIRCH] }) })
    const list = (await harness.app.inject('/v1/invocations')).json<InvocationList>()
    assert.deepEqual(list.missing, [{ id: BIRCH, name: 'birch' }])
    const [{ id, gateway, worker, result, placements }] = list.items as [Invocation]
    assert.deepEqual([id, gateway.name, worker?.name, result, placements], [INVOCATION, 'birch', 'birch', true, 1])
  })

  it('asks for those that are wanted: 100, when nobody says how many', async () => {
    const asked: unknown[] = []
    await using harness = createHarness({
      invocations: async query => {
        asked.push(query)
        return { items: [], missing: [] }
      }
    })
    for (const query of ['', '?function=thumb&state=failed&gateway=birch&limit=2']) await harness.app.inject(`/v1/invocations${query}`)
    assert.deepEqual(asked, [{ limit: 100 }, { function: 'thumb', state: 'failed', gateway: 'birch', limit: 2 }])
  })

  it('reads one, with null for what is not known yet', async () => {
    const record = {
      ...sampleInvocation({ state: 'queued', receipts: [] }),
      worker: undefined,
      start: undefined,
      placement: undefined,
      status: undefined,
      usage: undefined,
      totalMs: undefined
    }
    await using harness = createHarness({ invocation: async () => record })
    const item = (await harness.app.inject(`/v1/invocations/${INVOCATION}`)).json<Invocation>()
    assert.deepEqual(
      [item.worker, item.start, item.placement, item.status, item.usage, item.totalMs, item.error, item.placements, item.result],
      [null, null, null, null, null, null, null, 0, false]
    )
    assert.deepEqual(item.gateway, { id: ATLAS, name: 'atlas' })
  })

  it('waits for the end of one no longer than it is told', async () => {
    const waiting = Promise.withResolvers<AbortSignal>()
    await using harness = createHarness({
      waitFor: async (_, { signal }) => {
        waiting.resolve(signal)
        await new Promise(resolve => signal.addEventListener('abort', resolve))
        return sampleInvocation({ state: 'running' })
      }
    })
    const answer = harness.app.inject(`/v1/invocations/${INVOCATION}?wait=30s`)
    const signal = await waiting.promise
    harness.clock.advance(29_999)
    assert.equal(signal.aborted, false)
    harness.clock.advance(1)
    assert.equal((await answer).json<Invocation>().state, 'running')
  })

  it('cancels', async () => {
    await using harness = createHarness()
    const answer = await harness.app.inject({ method: 'DELETE', url: `/v1/invocations/${INVOCATION}` })
    assert.deepEqual(answer.json(), { id: INVOCATION, found: true })
  })

  it('explains, and says why not', async () => {
    await using harness = createHarness()
    const explanation = (await harness.app.inject(`/v1/invocations/${INVOCATION}/explain?whyNot=atlas`)).json<Explanation>()
    assert.equal(explanation.predictedMs, 50)
    assert.equal(explanation.actualMs, 44)
    assert.deepEqual(explanation.whyNot, {
      peer: { id: ATLAS, name: 'atlas' },
      why: '130ms more than the chosen one; most of its cost is start (130ms)'
    })
    assert.deepEqual(
      explanation.placements[0]?.verdicts.map(({ peer, chosen }) => [peer.name, chosen]),
      [
        ['birch', true],
        ['atlas', false]
      ]
    )
    assert.equal((await harness.app.inject(`/v1/invocations/${INVOCATION}/explain?whyNot=oak`)).statusCode, 404)
  })

  it('gives the kept answer as the function gave it', async () => {
    await using harness = createHarness({
      result: () => ({
        head: sampleHead({
          status: 201,
          headers: [
            ['content-type', 'image/png'],
            ['x-a', 'b']
          ]
        }),
        body: Buffer.from('png')
      })
    })
    const answer = await harness.app.inject(`/v1/invocations/${INVOCATION}/result`)
    assert.equal(answer.statusCode, 201)
    assert.deepEqual([answer.headers['content-type'], answer.headers['x-a'], answer.body], ['image/png', 'b', 'png'])
    assert.equal(answer.headers['x-cares-invocation'], INVOCATION)
    assert.equal((await harness.app.inject(`/v1/invocations/${INVOCATION}`)).json<Invocation>().result, true)
  })

  for (const [claim, record, status, detail] of [
    ['is still running', sampleInvocation({ state: 'running' }), 409, /has not finished/],
    ['gave none', sampleInvocation({ state: 'failed', error: { code: 'timeout', message: 'no exit in time' } }), 404, /no exit in time/],
    ['was answered at once', sampleInvocation({ gateway: BIRCH }), 404, /no answer of this invocation is kept here/]
  ] as const) {
    it(`has no kept answer of one that ${claim}`, async () => {
      await using harness = createHarness({ invocation: async () => record })
      const answer = await harness.app.inject(`/v1/invocations/${INVOCATION}/result`)
      assert.equal(answer.statusCode, status)
      assert.match(answer.json<{ detail: string }>().detail, detail)
    })
  }
})
