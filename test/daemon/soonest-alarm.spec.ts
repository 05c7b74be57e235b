import assert from 'node:assert/strict'
import { SoonestAlarm } from '../../src/daemon/soonest-alarm.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('an alarm for the soonest', () => {
  it('rings once, after the earliest of the times that it was set to, and again when it is set again', () => {
    const clock = new ManualClock()
    const rung: number[] = []
    const alarm = new SoonestAlarm(() => rung.push(clock.nowMs()), { clock })
    for (const atMs of [500, 200, Number.POSITIVE_INFINITY, 300]) alarm.set(atMs)
    assert.equal(clock.pending, 1)
    clock.advance(200)
    assert.deepEqual(rung, [], 'at the very end of a time it is not over')
    clock.advance(1_000)
    assert.deepEqual(rung, [201])
    alarm.set(0)
    assert.deepEqual(rung, [201], 'never within the call')
    clock.advance(1)
    assert.deepEqual(rung, [201, 1_201])
  })

  it('does not ring once it is stopped', () => {
    const clock = new ManualClock()
    const alarm = new SoonestAlarm(() => assert.fail('it rang'), { clock })
    alarm.set(100)
    alarm.stop()
    alarm.set(50)
    clock.advance(1_000)
    assert.equal(clock.pending, 0)
  })
})
