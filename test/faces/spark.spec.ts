import assert from 'node:assert/strict'
import fc from 'fast-check'
import { spark } from '../../src/faces/spark.ts'

describe('spark', () => {
  for (const [values, init, expected] of [
    [[0, 1, 2, 3, 4, 5, 6, 7], { width: 8, unicode: true }, '▁▂▃▄▅▆▇█'],
    [[0, 1, 2, 3, 4, 5, 6], { width: 7 }, '.:-=+*#'],
    [[1, null, 1], { width: 3, max: 1 }, '# #'],
    [[0, 0, 4, 4], { width: 2, max: 4 }, '.#'],
    [[9, 9], { width: 2, max: 1 }, '##'],
    [[0, 0], { width: 2 }, '..'],
    [[], { width: 5 }, ''],
    [[1, 2], { width: 5 }, '=#']
  ] as const) {
    it(`draws ${JSON.stringify(values)} as ${JSON.stringify(expected)}`, () => assert.equal(spark(values, init), expected))
  }

  it('is as wide as it may be, or as there are numbers, and blank only where nothing is known', () => {
    const number = fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }), { nil: null })
    fc.assert(
      fc.property(fc.array(number, { maxLength: 200 }), fc.integer({ min: 1, max: 60 }), (values, width) => {
        const drawn = spark(values, { width })
        assert.equal(drawn.length, Math.min(width, values.length))
        if (values.every(value => value !== null)) assert.ok(!drawn.includes(' '))
      })
    )
  })
})
