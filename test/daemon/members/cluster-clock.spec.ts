import assert from 'node:assert/strict'
import { ClusterClock } from '../../../src/daemon/members/cluster-clock.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const DAY_MS = 86_400_000

describe('the wall time of a cluster', () => {
  for (const [what, skewsMs, aheadMs] of [
    ['of a peer alone', [], 0],
    ['of peers whose clocks differ by what messages take', [400, -9_000], 0],
    ['of a peer that is right beside one that is wrong', [0, -30 * DAY_MS], 0],
    ['of a peer that is days ahead of the two others', [30 * DAY_MS, 30 * DAY_MS + 300], 30 * DAY_MS],
    ['of a peer that is days behind the two others', [-30 * DAY_MS, -30 * DAY_MS + 300], -30 * DAY_MS + 300],
    ['of two that differ, the own', [30 * DAY_MS], 0],
    ['of four of which two differ, the own', [0, DAY_MS, DAY_MS], 0],
    ['of four of which one agrees with nobody', [DAY_MS, DAY_MS, DAY_MS], DAY_MS]
  ] as const) {
    it(`is that of most: ${what}`, () => {
      const own = new ManualClock()
      const clock = new ClusterClock(own, () => skewsMs)
      assert.equal(Date.parse(own.timestamp()) - Date.parse(clock.timestamp()), aheadMs)
    })
  }

  it('follows the others, and is looked for once a second only', async () => {
    const own = new ManualClock()
    let [skewMs, asked] = [DAY_MS, 0]
    const clock = new ClusterClock(own, () => {
      asked++
      return [skewMs, skewMs]
    })
    for (let i = 0; i < 100; i++) clock.timestamp()
    assert.equal(asked, 1)
    skewMs = 0
    await own.pass(1_000)
    assert.equal(clock.timestamp(), own.timestamp())
  })
})
