import assert from 'node:assert/strict'
import { compareWaiting, type QueueOrder, type Waiting } from '../../../../src/core/scheduler/admission/queue-order.ts'

function order(nowMs: number, how: QueueOrder, waiting: Readonly<Record<string, Waiting>>): string {
  return Object.keys(waiting)
    .sort((a, b) => compareWaiting(waiting[a] as Waiting, waiting[b] as Waiting, how, nowMs))
    .join(' ')
}

describe('the order of what waits', () => {
  it('takes short work first, for people who wait', () => {
    const waiting = { long: { predictedMs: 9_000, arrivedAtMs: 0 }, short: { predictedMs: 100, arrivedAtMs: 1_000 } }
    assert.equal(order(2_000, 'interactive', waiting), 'short long')
  })

  it('takes the one that has waited more times its own length first', () => {
    const waiting = { new: { predictedMs: 1_000, arrivedAtMs: 9_900 }, old: { predictedMs: 4_000, arrivedAtMs: 0 } }
    assert.equal(order(10_000, 'interactive', waiting), 'old new')
  })

  it('takes large and long work first, for a batch', () => {
    const waiting = {
      wide: { predictedMs: 5_000, arrivedAtMs: 0, dominantShare: 0.8 },
      long: { predictedMs: 9_000, arrivedAtMs: 0, dominantShare: 0.1 },
      small: { predictedMs: 100, arrivedAtMs: 0, dominantShare: 0.1 }
    }
    assert.equal(order(1_000, 'batch', waiting), 'wide long small')
  })

  for (const how of ['interactive', 'batch'] as const) {
    it(`takes what has waited for 15 s, and for three times its own length, before all else: ${how}`, () => {
      const waiting = {
        huge: { predictedMs: 60_000, arrivedAtMs: 0 },
        aged: { predictedMs: 5_000, arrivedAtMs: 1_000 },
        older: { predictedMs: 4_000, arrivedAtMs: 900 },
        tiny: { predictedMs: 1, arrivedAtMs: 15_999 }
      }
      assert.match(order(16_000, how, waiting), /^older aged /)
      assert.doesNotMatch(order(13_000, how, { ...waiting, tiny: { predictedMs: 1, arrivedAtMs: 0 } }), /^older aged /)
    })
  }

  it('lets the short wait where only the end of all counts, but not for ever', () => {
    const waiting = { long: { predictedMs: 60_000, arrivedAtMs: 600_000 }, short: { predictedMs: 1_000, arrivedAtMs: 0 } }
    assert.equal(order(599_000, 'longest', { ...waiting, long: { predictedMs: 60_000, arrivedAtMs: 0 } }), 'long short')
    assert.equal(order(600_000, 'longest', waiting), 'short long')
  })

  it('keeps its order among what has waited for too long and came together', () => {
    const waiting = { short: { predictedMs: 100, arrivedAtMs: 0 }, long: { predictedMs: 4_000, arrivedAtMs: 0 } }
    assert.equal(order(20_000, 'batch', waiting), 'long short')
    assert.equal(order(20_000, 'interactive', waiting), 'short long')
  })

  it('takes what has been waiting for too long for longest, so the short of what came together', () => {
    const waiting = { long: { predictedMs: 9_000, arrivedAtMs: 0 }, short: { predictedMs: 1_000, arrivedAtMs: 0 } }
    assert.equal(order(26_000, 'batch', waiting), 'short long')
    assert.equal(order(30_000, 'batch', waiting), 'short long')
    const later = { ...waiting, newest: { predictedMs: 1_000, arrivedAtMs: 13_000 } }
    assert.equal(order(30_000, 'batch', later), 'short long newest')
  })
})
