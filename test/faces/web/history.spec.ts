import assert from 'node:assert/strict'
import type { StatsHistoryBody } from '../../../src/model/rest-telemetry.ts'
import { busiest, inPercent, perSecond, RANGES, summed, timesOf } from '../../../src/faces/web/history.ts'

describe('numbers over time', () => {
  it('have the time of the end of each step', () => {
    assert.deepEqual(
      timesOf({ at: '2026-11-22T12:00:10.000Z', stepMs: 5_000, steps: 3 }).map(time => time - Date.parse('2026-11-22T12:00:00Z') / 1_000),
      [0, 5, 10]
    )
  })

  it('are summed where anybody knew them', () => {
    assert.deepEqual(
      summed([
        [1, null, null],
        [2, 3, null]
      ]),
      [3, 3, null]
    )
    assert.deepEqual(summed([]), [])
  })

  it('are counted a second, and as parts of a whole', () => {
    assert.deepEqual(perSecond([10, null, 0], 5_000), [2, null, 0])
    assert.deepEqual(inPercent([1, null], 4), [25, null])
    assert.deepEqual(inPercent([1], 0), [null])
  })

  it('name the functions that were called most, and none that were not', () => {
    const fn = (name: string, calls: number) => ({ name, overall: { calls } }) as StatsHistoryBody['functions'][number]
    const functions = [fn('a', 2), fn('b', 0), fn('c', 5), fn('d', 1)]
    assert.deepEqual(
      busiest({ functions }, 2).map(({ name }) => name),
      ['c', 'a']
    )
    assert.deepEqual(
      busiest({ functions }, 9).map(({ name }) => name),
      ['c', 'a', 'd']
    )
  })

  it('are asked for again no more often than there are new ones', () => {
    for (const { spanS, everyMs } of RANGES) assert.ok(everyMs >= (spanS > 3_600 ? 60_000 : 5_000))
  })
})
