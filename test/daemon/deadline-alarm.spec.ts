import assert from 'node:assert/strict'
import { DeadlineAlarm } from '../../src/daemon/deadline-alarm.ts'
import { ManualClock } from '../support/manual-clock.ts'

function createAlarm() {
  const clock = new ManualClock()
  const rung: { atMs: number; hasStarved: boolean }[] = []
  let deadlineMs = 1_000
  const alarm = new DeadlineAlarm({
    clock,
    deadlineMs: () => deadlineMs,
    onDeadline: ({ hasStarved }) => rung.push({ atMs: clock.nowMs(), hasStarved })
  })
  const setDeadline = (ms: number): void => void (deadlineMs = ms)
  return { alarm, rung, setDeadline, freeze: (ms: number) => clock.freeze(ms), advance: (ms: number) => clock.advance(ms) }
}

describe('DeadlineAlarm', () => {
  it('rings when its deadline has come, and again only once it is set again', () => {
    const { alarm, rung, setDeadline, advance } = createAlarm()
    alarm.start()
    advance(999)
    assert.deepEqual(rung, [])
    advance(5_000)
    assert.deepEqual(rung, [{ atMs: 1_000, hasStarved: false }])
    setDeadline(7_000)
    alarm.set()
    advance(5_000)
    assert.deepEqual(rung.at(-1), { atMs: 7_000, hasStarved: false })
  })

  it('follows a deadline that is put off, and one that comes nearer', () => {
    const { alarm, rung, setDeadline, advance } = createAlarm()
    alarm.start()
    advance(900)
    setDeadline(1_500)
    advance(599)
    assert.deepEqual(rung, [])
    setDeadline(1_499.5)
    alarm.set()
    advance(10)
    assert.equal(rung.length, 1)
  })

  it('leaves a moment between two rings whose deadline has passed already', () => {
    const { alarm, rung, setDeadline, advance } = createAlarm()
    alarm.start()
    advance(1_000)
    setDeadline(0)
    alarm.set()
    advance(4)
    assert.equal(rung.length, 1)
    advance(1)
    assert.equal(rung.length, 2)
  })

  it('knows that the process has starved, whenever in that time the deadline came', () => {
    for (const frozenAtMs of [550, 985]) {
      const { alarm, rung, freeze, advance } = createAlarm()
      alarm.start()
      advance(frozenAtMs)
      freeze(450)
      advance(500)
      assert.deepEqual(
        rung.map(({ hasStarved }) => hasStarved),
        [true],
        `frozen at ${frozenAtMs} ms`
      )
    }
  })

  it('is silent once it is stopped', () => {
    const { alarm, rung, advance } = createAlarm()
    alarm.start()
    alarm.stop()
    alarm.set()
    advance(5_000)
    assert.deepEqual(rung, [])
  })
})
