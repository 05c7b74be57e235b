import assert from 'node:assert/strict'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { measureSpeed } from '../../src/runtime/calibration.ts'

describe('the calibration of a machine', () => {
  it('finds a speed of the order of the reference, and uses little CPU time for it', async () => {
    const before = process.cpuUsage()
    const speed = await measureSpeed({ clock: createSystemClock() })
    const { user, system } = process.cpuUsage(before)
    assert.ok(speed > 0.02 && speed < 50, `${speed}`)
    // Ten times what it aims at: other threads of the process count too.
    assert.ok(user + system < 1_000_000, `${user + system} us`)
  })

  it('ends by the clock on a machine that gives it no time', async () => {
    const clock = createSystemClock()
    let nowMs = 0
    const slow = { ...clock, nowMs: () => (nowMs += 600), sleep: async () => {} }
    assert.ok((await measureSpeed({ clock: slow })) > 0)
    assert.ok(nowMs <= 4_000)
  })
})
