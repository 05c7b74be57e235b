import assert from 'node:assert/strict'
import { leaseTimes } from '../../src/core/tasks/leases.ts'
import { PRESETS } from '../../src/model/presets.ts'

describe('the presets', () => {
  for (const [name, timings] of Object.entries(PRESETS)) {
    it(`${name} keeps the proportions that its parts rely on`, () => {
      const { heartbeatMs, electionMs, reportMs, suspectAfterMs, goneAfterMs, promoteAfterMs, replaceAfterMs, forgetAfterMs, leaseMs } =
        timings
      assert.ok(electionMs >= 5 * heartbeatMs, 'five heartbeats may be lost before anybody campaigns')
      assert.equal(suspectAfterMs, 3 * reportMs)
      assert.ok(goneAfterMs > suspectAfterMs)
      assert.ok(replaceAfterMs > promoteAfterMs && replaceAfterMs > goneAfterMs)
      assert.ok(forgetAfterMs > 100 * replaceAfterMs)
      assert.ok(leaseMs > 2 * electionMs, 'a worker must not end its tasks because of an election')
    })
  }

  it('have the leases that their table tells', () => {
    const lengths = Object.values(PRESETS).map(timings => Math.round(leaseTimes(timings).orchestratorMs / 10) * 10)
    assert.deepEqual(lengths, [14_100, 42_300, 3_620])
  })

  it('give a new connection over a wide network its six round trips and a second SYN', () => {
    assert.ok(PRESETS.wan.dialMs >= 6 * 200 + 3_000)
  })
})
