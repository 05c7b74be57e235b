import assert from 'node:assert/strict'
import { noTasks } from '../../src/core/tasks/apply-changes.ts'
import { EventLog } from '../../src/daemon/event-log.ts'
import { Statistics } from '../../src/daemon/statistics.ts'
import { Worker } from '../../src/daemon/work.ts'
import { CaresError } from '../../src/model/errors.ts'
import { ATLAS, sampleStats } from '../support/fake-service.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { sampleFunction } from '../support/samples.ts'
import { ScriptedRuntime } from '../support/scripted-runtime.ts'
import { createTestLog } from '../support/test-log.ts'

describe('Statistics', () => {
  it('numbers samples, names the images that are here, and asks the engine now and then only', async () => {
    const clock = createManualClock()
    const log = createTestLog()
    const runtime = new ScriptedRuntime('worker', {})
    let checks = 0
    let ready = true
    runtime.check = async () => {
      checks++
      if (!ready) throw new CaresError('runtime_unavailable', 'scripted')
      return { ready: true, reason: 'scripted' }
    }
    const tables = {
      functions: new Map([['thumb', sampleFunction()]]),
      removed: new Map(),
      draining: new Set<string>(),
      tasks: noTasks(),
      remembered: new Map()
    }
    const worker = new Worker(
      { self: ATLAS, session: 1 },
      { runtime, clock, log, term: () => 3, draining: () => false, stats: sampleStats, memoryStalledRatio: () => 0, onRoom: () => {} }
    )
    const statistics = new Statistics({
      host: { capacity: runtime.capacity, sample: async () => Promise.reject(new Error('scripted')) },
      runtime,
      worker,
      tables: () => tables,
      term: () => 3,
      draining: () => false,
      events: new EventLog({ clock }),
      clock,
      log
    })
    const first = await statistics.sample()
    assert.deepEqual([first.seq, first.runtimeReady, first.images, first.draining], [1, true, ['sha256:9f2c'], false])
    await statistics.sample()
    assert.equal(checks, 1)
    ready = false
    worker.refuse()
    clock.advance(5_000)
    await statistics.sample() // Starts to look; does not wait for it.
    const last = await statistics.sample()
    assert.deepEqual([last.seq, last.runtimeReady, last.images, last.draining], [4, false, [], true])
    assert.equal(checks, 2)
  })
})
