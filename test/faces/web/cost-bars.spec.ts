import assert from 'node:assert/strict'
import type { Invocation } from '../../../src/model/rest-invocations.ts'
import { accuracy, callScaleMs, costSegments, placementScaleMs, surprise, usageSegments } from '../../../src/faces/web/cost-bars.ts'
import { PLACEMENT } from '../samples.ts'

describe('cost bars', () => {
  it('stand one behind the other in the order of the terms, without those of nothing', () => {
    assert.deepEqual(costSegments({ network: 2, start: 10, pull: 0, queue: 3, run: 20, total: 35 }), [
      { term: 'network', fromMs: 0, ms: 2 },
      { term: 'queue', fromMs: 2, ms: 3 },
      { term: 'start', fromMs: 5, ms: 10 },
      { term: 'run', fromMs: 15, ms: 20 }
    ])
  })

  it('of what a call took end where the call ended', () => {
    const usage = { queueMs: 1, pullMs: 0, startMs: 4, runMs: 10, bytesIn: 0, bytesOut: 0 }
    const last = usageSegments({ usage, totalMs: 18 }).at(-1)
    assert.deepEqual(last, { term: 'other', fromMs: 15, ms: 3 })
    assert.deepEqual(usageSegments({ usage: null, totalMs: 7 }), [{ term: 'other', fromMs: 0, ms: 7 }])
    assert.deepEqual(usageSegments({ usage: null, totalMs: null }), [])
  })
})

describe('the scale of bars', () => {
  it('of a call is what was predicted or what it took, however slow another peer would have been', () => {
    assert.equal(callScaleMs({ predictedMs: 4, actualMs: 11 }), 11)
    assert.equal(callScaleMs({ predictedMs: 4, actualMs: null }), 4)
    assert.ok(callScaleMs({ predictedMs: null, actualMs: null }) > 0)
  })

  it('of a placement is that of the slowest peer', () => {
    assert.equal(placementScaleMs(PLACEMENT), 3_769.2)
    assert.ok(placementScaleMs({ verdicts: [] }) > 0)
  })
})

describe('predictions', () => {
  const call = (predictedMs: number | null, totalMs: number | null, state: Invocation['state'] = 'succeeded') =>
    ({ predictedMs, totalMs, state }) as Invocation

  it('surprise by the part that they were off', () => {
    assert.deepEqual([surprise(100, 125), surprise(100, 50), surprise(0, 5)], [0.25, -0.5, 0])
  })

  it('are as good as the middle one of the calls that ended well and were predicted', () => {
    const calls = [call(100, 110), call(100, 75), call(100, 300), call(null, 5), call(100, null), call(100, 900, 'failed')]
    assert.deepEqual(accuracy(calls), { calls: 3, medianError: 0.25, within25: 2 / 3 })
    assert.equal(accuracy([call(null, 5)]), null)
  })
})
