import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Soonest } from '../../../src/simulate/replay/soonest.ts'

describe('Soonest', () => {
  it('knows who rings first, whatever is set and set again', () => {
    const setting = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.oneof(fc.integer({ min: 0, max: 99 }), fc.constant(Number.POSITIVE_INFINITY))
    )
    fc.assert(
      fc.property(fc.array(setting), settings => {
        const clocks = new Soonest(10)
        const plain = Array.from({ length: 10 }, () => Number.POSITIVE_INFINITY)
        for (const [clock, atMs] of settings) {
          clocks.set(clock, atMs)
          plain[clock] = atMs
          assert.equal(clocks.firstMs, Math.min(...plain))
          assert.equal(plain[clocks.first], clocks.firstMs)
        }
      })
    )
  })
})
