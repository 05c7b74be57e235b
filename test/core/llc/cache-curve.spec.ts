import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { type CachePoint, fitNeed, relativeTime } from '../../../src/core/llc/cache-curve.ts'

const MIB = 2 ** 20

function measured(time: (mib: number) => number, ...mib: readonly number[]): CachePoint[] {
  return mib.map(each => ({ bytes: each * MIB, ms: time(each) }))
}

/** Fsched's curve. */
const curve = (a: number, b: number) => (mib: number) => a + b / (1 + Math.sqrt(mib - 1))

describe('the need of cache by runs with more and less of it', () => {
  it('is the knee of the curve, whatever the unit of time', () => {
    // 100 + 100 / (1 + √(c − 1)) comes within 5 % of its value at 20 MiB, 118.7, where 124.6 is reached: at c = 10.4.
    for (const scale of [0.01, 1, 1_000]) {
      const need = fitNeed(measured(mib => scale * curve(100, 100)(mib), 1, 2, 5, 10, 20))
      assert.ok(Math.abs((need?.bytes ?? 0) / MIB - 10.4) < 0.4, `${(need?.bytes ?? 0) / MIB} MiB`)
      assert.ok(Math.abs((need?.slowdown ?? 0) - (200 / 118.66 - 1)) < 0.01, String(need?.slowdown))
    }
  })

  it('is the least that was tried of what does not care', () => {
    const need = fitNeed(measured(() => 50, 1, 5, 20))
    assert.deepEqual(need, { bytes: MIB, slowdown: 0 })
  })

  it('follows a step that no curve fits: the time until everything is in the cache, then no more', () => {
    const need = fitNeed(measured(mib => (mib >= 8 ? 100 : 200), 1, 2, 4, 6, 8, 16))
    assert.ok(need !== undefined && need.bytes > 6 * MIB && need.bytes <= 8 * MIB, `${(need?.bytes ?? 0) / MIB} MiB`)
    assert.equal(need.slowdown, 1)
  })

  it('is not led astray by one odd time', () => {
    const points = measured(curve(100, 100), 1, 2, 5, 10, 20)
    points[2] = { bytes: 5 * MIB, ms: 400 }
    const { bytes = 0, slowdown = 0 } = fitNeed(points) ?? {}
    assert.ok(bytes <= 20 * MIB && slowdown > 0, `${bytes / MIB} MiB, ${slowdown}`)
  })

  it('is not known from sizes that are much alike', () => {
    assert.equal(fitNeed([]), undefined)
    assert.equal(fitNeed(measured(() => 1, 4)), undefined)
    assert.equal(fitNeed(measured(() => 1, 4, 6)), undefined)
  })

  it('lies between the least and the most that was tried, and the slowdown is not negative, whatever was measured', () => {
    const point = fc.record({
      bytes: fc.integer({ min: 1, max: 64 }).map(mib => mib * MIB),
      ms: fc.double({ min: 0.01, max: 1e5, noNaN: true })
    })
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 12 }), points => {
        const need = fitNeed(points)
        if (need === undefined) return
        const sizes = points.map(({ bytes }) => bytes)
        assert.ok(need.bytes >= Math.min(...sizes) && need.bytes <= Math.max(...sizes), String(need.bytes))
        assert.ok(need.slowdown >= 0 && Number.isFinite(need.slowdown), String(need.slowdown))
      })
    )
  })

  it('falls with more cache: the relative time is 1 + s with next to none, and nears 1', () => {
    assert.equal(relativeTime(0.5, 0), 1.5)
    assert.equal(relativeTime(0.5, MIB), 1.5)
    assert.equal(relativeTime(0.5, 2 * MIB), 1.25)
    assert.ok(relativeTime(0.5, 1e12) < 1.001)
  })
})
