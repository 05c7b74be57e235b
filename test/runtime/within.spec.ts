import assert from 'node:assert/strict'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { within } from '../../src/runtime/within.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('within', () => {
  it('gives what the promise resolves with, and its failure', async () => {
    const clock = new ManualClock()
    assert.equal(await within(Promise.resolve(7), 1_000, clock), 7)
    await assert.rejects(within(Promise.reject(new Error('scripted')), 1_000, clock), /scripted/)
  })

  it('gives nothing when that takes longer', async () => {
    const clock = new ManualClock()
    const waiting = within(new Promise<number>(() => {}), 1_000, clock)
    clock.advance(1_000)
    assert.equal(await waiting, undefined)
  })

  it('leaves no timer behind, which would keep the process alive', async () => {
    let timers = 0
    const clock = createSystemClock()
    const counting: Parameters<typeof within>[2] = {
      after: (ms, task) => {
        const timer = clock.after(ms, task)
        timers++
        return {
          [Symbol.dispose]: () => {
            timer[Symbol.dispose]()
            timers--
          }
        }
      }
    }
    await within(Promise.resolve(), 60_000, counting)
    await assert.rejects(within(Promise.reject(new Error('scripted')), 60_000, counting), /scripted/)
    assert.equal(timers, 0)
  })
})
