import assert from 'node:assert/strict'
import fc from 'fast-check'
import { across, areaPath, linePath, nearestIndex, timeMarks, valueMarks } from '../../../src/faces/web/chart-layout.ts'

describe('the layout of a chart', () => {
  const cases: readonly (readonly [max: number, marks: readonly number[]])[] = [
    [0, [0, 1]],
    [1, [0, 0.5, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2.5, 5, 7.5]],
    [100, [0, 50, 100]],
    [0.04, [0, 0.02, 0.04]]
  ]
  for (const [max, marks] of cases) {
    it(`marks ${marks.join(', ')} beside values up to ${max}`, () => {
      assert.deepEqual(
        valueMarks(max).map(mark => Number(mark.toPrecision(6))),
        marks
      )
    })
  }

  it('has between two and five marks, from nothing to at least the largest value', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), max => {
        const marks = valueMarks(max)
        assert.ok(marks.length >= 2 && marks.length <= 5, String(marks))
        assert.equal(marks[0], 0)
        assert.ok((marks.at(-1) ?? 0) >= max * (1 - 1e-6), String(marks))
      })
    )
  })

  it('marks round times well within the stretch, a few of them', () => {
    assert.deepEqual(timeMarks({ fromS: 1_000, toS: 1_300 }), [1_020, 1_080, 1_140, 1_200, 1_260])
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e9 }), fc.integer({ min: 60, max: 86_400 }), (fromS, span) => {
        const marks = timeMarks({ fromS, toS: fromS + span })
        assert.ok(marks.length <= 6, String(marks))
        for (const mark of marks) assert.ok(mark > fromS && mark < fromS + span)
      })
    )
  })

  const area = { fromS: 100, toS: 200, max: 10 }
  it('draws a line through what is known, and over what is not', () => {
    assert.equal(linePath([100, 150, 200], [0, 5, 10], area), 'M0 100L50 50L100 0')
    assert.equal(linePath([100, 150, 200], [0, null, 10], area), 'M0 100L100 0')
    assert.equal(linePath([100, 150], [null, null], area), '')
  })

  it('draws a value that is alone as a dot', () => {
    assert.equal(linePath([150], [5], area), 'M50 50h0')
  })

  it('leaves out what is older than the stretch, and cuts what is higher than its edge', () => {
    assert.equal(linePath([50, 150, 200], [5, 5, 50], area), 'M50 50L100 0')
  })

  it('fills what is below the line', () => {
    assert.equal(areaPath([100, 200], [0, 10], area), 'M0 100L0 100L100 0L100 100Z')
    assert.equal(areaPath([], [], area), '')
  })

  it('finds the time that is nearest to the pointer, of those that are shown', () => {
    assert.equal(nearestIndex([50, 110, 160], 0, area), 1)
    assert.equal(nearestIndex([50, 110, 160], 0.5, area), 2)
    assert.equal(nearestIndex([], 0.5, area), undefined)
    assert.equal(across(150, area), 50)
  })
})
