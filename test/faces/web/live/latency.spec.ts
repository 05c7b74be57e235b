import assert from 'node:assert/strict'
import fc from 'fast-check'
import { latencySeries, quantile } from '../../../../src/faces/web/live/latency.ts'

const call = (atMs: number, totalMs: number) => ({ atMs, totalMs, ok: true, function: 'f' })

describe('a latency series', () => {
  it('puts each call into the span in which it ended, and leaves out what is older', () => {
    const calls = [call(0, 9_999), call(20_001, 10), call(20_002, 30), call(29_999, 20), call(35_000, 7)]
    const { timesS, p50Ms, p95Ms } = latencySeries(calls, { nowMs: 35_500, spanMs: 10_000, spans: 3 })
    assert.deepEqual(timesS, [20, 30, 40])
    assert.deepEqual(p50Ms, [null, 20, 7])
    assert.deepEqual(p95Ms, [null, 30, 7])
  })

  it('keeps the bounds of its spans as time goes on', () => {
    const bounds = (nowMs: number) => latencySeries([], { nowMs, spanMs: 10_000, spans: 3 }).timesS
    assert.deepEqual(bounds(30_001), bounds(39_999))
  })
})

describe('a quantile', () => {
  it('is one of the values, with at least that part of them at or below it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, part) => {
        const sorted = values.toSorted((a, b) => a - b)
        const found = quantile(sorted, part)
        assert.ok(found !== null && sorted.includes(found))
        assert.ok(sorted.filter(value => value <= found).length >= part * sorted.length)
      })
    )
    assert.equal(quantile([], 0.5), null)
  })
})
