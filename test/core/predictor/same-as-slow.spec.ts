import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Metric, SPACE, TIME } from '../../../src/core/predictor/metric.ts'
import { SortedWindow } from '../../../src/core/predictor/sorted-window.ts'
import { median, sorted } from './median.ts'

import { SlowMetric } from './slow-metric.ts'

/** Sizes that come again, and values that follow them, jump, or have nothing to do with them. */
const samples = fc.array(
  fc.record({
    inputBytes: fc.oneof(fc.constantFrom(0, 1_000, 1_000_000), fc.integer({ min: 0, max: 10_000_000 })),
    noise: fc.double({ min: 0.5, max: 2, noNaN: true }),
    kind: fc.constantFrom('follows', 'constant', 'jumps' as const)
  }),
  { minLength: 1, maxLength: 200 }
)

describe('the quick metric', () => {
  for (const [name, kind] of [
    ['time', TIME],
    ['space', SPACE]
  ] as const) {
    it(`predicts, bounds and names its expert exactly as the slow one does: ${name}`, () => {
      fc.assert(
        fc.property(samples, fc.integer({ min: 0, max: 200 }), (observations, heirAfter) => {
          let quick = new Metric(kind)
          let slow = new SlowMetric(kind)
          for (const [i, { inputBytes, noise, kind: how }] of observations.entries()) {
            const value = how === 'constant' ? 50 : how === 'jumps' ? 5_000 * noise : (10 + inputBytes / 1_000) * noise
            quick.learn(inputBytes, value)
            slow.learn(inputBytes, value)
            if (i === heirAfter) [quick, slow] = [quick.heir(), slow.heir()]
            for (const asked of [inputBytes, 0, 77_777])
              assert.equal(quick.predict(asked), slow.predict(asked), `sample ${i}, ${asked} bytes`)
            assert.deepEqual(
              [quick.basis, quick.upperFactor, quick.errorRatio, quick.count, quick.ownCount],
              [slow.basis, slow.upperFactor, slow.errorRatio, slow.count, slow.ownCount],
              `sample ${i}`
            )
          }
        }),
        { numRuns: 60 }
      )
    })
  }
})

describe('a sorted window', () => {
  it('has the middle, or the mean of the two there', () => {
    const medianOf = (values: number[]): number | undefined => {
      const window = new SortedWindow(9)
      for (const value of values) window.push(value)
      return window.median
    }
    assert.deepEqual([[], [3], [1, 9], [9, 1, 2]].map(medianOf), [undefined, 3, 5, 2])
  })

  it('has the ranks and the median of the newest, however they come', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true })), fc.integer({ min: 1, max: 9 }), (values, sizeMax) => {
        const window = new SortedWindow(sizeMax)
        for (const [i, value] of values.entries()) {
          window.push(value)
          const newest = values.slice(Math.max(0, i + 1 - sizeMax), i + 1)
          assert.deepEqual(
            Array.from({ length: window.count }, (_, rank) => (window.at(rank) ?? 0) + 0),
            sorted(newest).map(each => each + 0)
          )
          assert.equal((window.median ?? 0) + 0, (median(newest) ?? 0) + 0)
        }
      })
    )
  })
})
