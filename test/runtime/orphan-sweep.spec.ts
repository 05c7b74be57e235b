import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { OrphanSweep } from '../../src/runtime/orphan-sweep.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog } from '../support/test-log.ts'

const ORPHAN = { container: 'c1', function: 'f@1', reason: 'created' }

/** An engine that answers to a sweep only while it is up; what hangs never answers. */
function setup() {
  const clock = new ManualClock()
  const log = createTestLog()
  const engine = { state: 'up' as 'up' | 'down' | 'frozen', sweeps: 0 }
  const sweep = new OrphanSweep(
    async () => {
      engine.sweeps++
      if (engine.state === 'frozen') return new Promise(() => {})
      if (engine.state === 'down') throw new Error('refused')
      return [ORPHAN]
    },
    { clock, log }
  )
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await setImmediate()
  }
  return { clock, log, engine, sweep, pass }
}

describe('a sweep of what an engine was left with', () => {
  it('does not come without a doubt, and once for many', async () => {
    const { engine, sweep, pass } = setup()
    await pass(60_000)
    assert.equal(engine.sweeps, 0)
    for (let i = 0; i < 10; i++) sweep.doubt()
    for (let i = 0; i < 10; i++) await pass(5_000)
    assert.equal(engine.sweeps, 1)
    sweep.doubt()
    await pass(500)
    assert.equal(engine.sweeps, 2, 'a doubt after it')
  })

  it('is tried again until the engine answers, at most five seconds apart', async () => {
    const { engine, sweep, pass } = setup()
    engine.state = 'down'
    sweep.doubt()
    for (let i = 0; i < 100; i++) await pass(500)
    assert.ok(engine.sweeps >= 10 && engine.sweeps <= 15, `${engine.sweeps} sweeps`)
    engine.state = 'up'
    for (let i = 0; i < 10; i++) await pass(500)
    const { sweeps } = engine
    for (let i = 0; i < 100; i++) await pass(500)
    assert.equal(engine.sweeps, sweeps, 'no more of them once it has answered')
  })

  it('follows again where a doubt came while it ran', async () => {
    const { engine, sweep, pass } = setup()
    engine.state = 'frozen'
    sweep.doubt()
    await pass(500)
    sweep.doubt()
    engine.state = 'up'
    await pass(10_000)
    for (let i = 0; i < 4; i++) await pass(1_000)
    assert.equal(engine.sweeps, 2)
  })

  it('comes a last time at the end, and then no more', async () => {
    const { clock, engine, sweep, pass } = setup()
    await sweep.stop()
    assert.equal(engine.sweeps, 1)
    sweep.doubt()
    await sweep.stop()
    await pass(60_000)
    assert.deepEqual([engine.sweeps, clock.pending], [1, 0])
  })

  for (const state of ['down', 'frozen'] as const) {
    it(`lets a peer end within two seconds though its engine is ${state}, and says so`, async () => {
      const { log, engine, sweep, pass } = setup()
      engine.state = state
      sweep.doubt()
      await pass(500)
      let hasStopped = false
      const stopping = sweep.stop().then(() => {
        hasStopped = true
      })
      await pass(0)
      await pass(2_000)
      assert.ok(hasStopped)
      await stopping
      assert.deepEqual(
        log.records.filter(({ level }) => level === 'warn').map(({ message }) => message),
        ['not looked for containers that were left behind; the next start will']
      )
    })
  }
})
