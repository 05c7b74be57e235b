import assert from 'node:assert/strict'
import { aheadOf, createDemand, type Demand, onCall, onCallEnd, onColdStart, windowOf, worthOf } from '../../../src/core/pools/demand.ts'

const MIB = 2 ** 20

function called(times: number, everyMs: number, startMs = 300): Demand {
  const demand = createDemand()
  for (let i = 0; i < times; i++) {
    onCall(demand, i * everyMs)
    onCallEnd(demand, i * everyMs)
  }
  for (let i = 0; i < 20; i++) onColdStart(demand, startMs)
  return demand
}

describe('the demand for a function', () => {
  it('counts the time between calls only where nothing ran', () => {
    const demand = createDemand()
    for (let i = 0; i < 20; i++) onCall(demand, i * 600_000)
    assert.equal(demand.idleTimes.count, 0)
    for (let i = 0; i < 20; i++) onCallEnd(demand, 12_000_000)
    onCall(demand, 12_060_000)
    assert.equal(demand.idleTimes.count, 1)
    assert.equal(demand.running, 1)
  })

  for (const [claim, demand, nowMs, ahead] of [
    ['none that was never called', createDemand(), 0, 0],
    ['one for a call now and then', called(5, 10_000), 40_000, 1],
    ['more for many calls', called(2_000, 100), 200_000, 6],
    ['no more than an engine can start', called(10_000, 5), 50_000, 8],
    ['more of a slow start', called(200, 1_000, 3_000), 200_000, 6],
    ['none when the calls have stopped', called(200, 1_000), 1_000_000, 0]
  ] as const) {
    it(`has programs started ahead: ${claim}`, () => assert.equal(aheadOf(demand, nowMs), ahead))
  }

  it('is worth more the more often it is called, the longer it takes to start, the less it holds, and the later it was used', () => {
    const base = worthOf(called(10, 1_000, 300), 100 * MIB, 0)
    assert.ok(worthOf(called(20, 1_000, 300), 100 * MIB, 0) > base)
    assert.ok(worthOf(called(10, 1_000, 900), 100 * MIB, 0) > base)
    assert.ok(worthOf(called(10, 1_000, 300), 50 * MIB, 0) > base)
    assert.ok(worthOf(called(10, 1_000, 300), 100 * MIB, 5) > base)
  })

  it('keeps what comes every second for little more than a minute', () => {
    assert.equal(windowOf(called(100, 1_000)).untilMs, 66_000)
  })
})
