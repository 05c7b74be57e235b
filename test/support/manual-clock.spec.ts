import assert from 'node:assert/strict'
import { clockCompliance } from '../compliance/clock.ts'
import { ManualClock } from './manual-clock.ts'

clockCompliance('manual', () => {
  const clock = new ManualClock()
  return { clock, pass: ms => clock.pass(ms) }
})

describe('the manual clock', () => {
  it('fires nothing while it stands still', async () => {
    const clock = new ManualClock()
    const signal = clock.timeout(0)
    await new Promise(resolve => {
      setImmediate(resolve)
    })
    assert.equal(signal.aborted, false)
    await clock.pass(0)
    assert.equal(signal.aborted, true)
  })

  it('shows each timer the time at which it was due, and lets what it wakes set further ones', async () => {
    const clock = new ManualClock()
    const startMs = clock.nowMs()
    const seen: string[] = []
    const walk = async (name: string, ...steps: readonly number[]): Promise<void> => {
      for (const step of steps) {
        await clock.sleep(step)
        seen.push(`${name} ${clock.nowMs() - startMs}`)
      }
    }
    const walks = [walk('a', 10, 20, 30), walk('b', 30, 30), walk('c', 100)]
    await clock.pass(60)
    assert.deepEqual(seen, ['a 10', 'b 30', 'a 30', 'b 60', 'a 60'])
    assert.equal(clock.nowMs() - startMs, 60)
    assert.equal(clock.pending, 1)
    await clock.pass(40)
    await Promise.all(walks)
    assert.equal(clock.pending, 0)
  })

  it('moves the time of day along', async () => {
    const clock = new ManualClock()
    const before = Date.parse(clock.timestamp())
    await clock.pass(90_000)
    assert.equal(Date.parse(clock.timestamp()) - before, 90_000)
  })

  it('forgets what was aborted or disposed of', async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    const sleeping = clock.sleep(10, { signal: abort.signal })
    const repetition = clock.every(10, () => {})
    abort.abort(new Error('enough'))
    repetition[Symbol.dispose]()
    await assert.rejects(sleeping, /enough/)
    assert.equal(clock.pending, 0)
  })
})
