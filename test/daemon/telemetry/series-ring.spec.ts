import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SeriesRing } from '../../../src/daemon/telemetry/series-ring.ts'

describe('SeriesRing', () => {
  it('reads what was written to the newest rows, and nothing of what is older or was skipped', () => {
    const write = fc.record({
      type: fc.constantFrom('set' as const, 'add' as const),
      forward: fc.integer({ min: -4, max: 12 }),
      column: fc.integer({ min: 0, max: 2 }),
      value: fc.integer({ min: 0, max: 1_000 })
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(write, { maxLength: 60 }), (rows, writes) => {
        const ring = new SeriesRing({ columns: 3, rows, empty: 0 })
        const oracle = new Map<string, number>()
        let newest = -1
        for (const { type, forward, column, value } of writes) {
          const step = Math.max(0, newest + forward)
          const isKept = step > newest - rows
          ring[type](step, column, value)
          newest = Math.max(newest, step)
          if (isKept) oracle.set(`${step}.${column}`, value + (type === 'add' ? (oracle.get(`${step}.${column}`) ?? 0) : 0))
        }
        assert.equal(ring.newest, newest)
        for (let step = 0; step < newest + 3; step++) {
          for (let column = 0; column < 3; column++) {
            const expected = step > newest - rows ? (oracle.get(`${step}.${column}`) ?? 0) : 0
            assert.equal(ring.get(step, column), expected, `step ${step} of ${newest}, column ${column}, ${rows} rows`)
          }
        }
      })
    )
  })
})
