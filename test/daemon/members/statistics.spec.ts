import assert from 'node:assert/strict'
import { noTasks } from '../../../src/core/tasks/apply-changes.ts'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { Statistics } from '../../../src/daemon/members/statistics.ts'
import { Worker } from '../../../src/daemon/calls/work.ts'
import { CaresError } from '../../../src/model/errors.ts'
import { ATLAS, sampleStats } from '../../support/fake-service.ts'
import { untilAborted } from '../../../src/model/until-aborted.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import { sampleFunction } from '../../support/samples.ts'
import { ScriptedRuntime } from '../../support/scripted-runtime.ts'
import { createTestLog } from '../../support/test-log.ts'

describe('Statistics', () => {
  it('does not call an engine away that was late once, and asks it again soon', async () => {
    const clock = createManualClock()
    const log = createTestLog()
    const runtime = new ScriptedRuntime('worker', {})
    let late = 0
    let checks = 0
    const check = async ({ signal }: { signal: AbortSignal }): Promise<{ ready: boolean; reason: string }> => {
      checks++
      if (late-- > 0) await untilAborted(new Promise(() => {}), signal)
      return { ready: true, reason: 'scripted' }
    }
    runtime.check = check as typeof runtime.check
    const tables = { functions: new Map(), removed: new Map(), draining: new Set<string>(), tasks: noTasks(), remembered: new Map() }
    const worker = new Worker(
      { self: ATLAS, session: 1 },
      {
        runtime,
        clock,
        log,
        term: () => 3,
        draining: () => false,
        stats: sampleStats,
        memoryStalledRatio: () => 0,
        onRoom: () => {},
        onCut: () => {}
      }
    )
    const statistics = new Statistics({
      host: { capacity: runtime.capacity, sample: async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }) },
      runtime,
      worker,
      tables: () => tables,
      term: () => 3,
      draining: () => false,
      events: new EventLog({ clock }),
      clock,
      log
    })
    /** A look that begins after so long, and ends when it must. */
    const look = async (afterMs: number): Promise<boolean> => {
      clock.advance(afterMs)
      await statistics.sample()
      clock.advance(3_000)
      await new Promise(resolve => setImmediate(resolve))
      return (await statistics.sample()).runtimeReady
    }
    await statistics.sample()
    late = 1
    assert.equal(await look(5_000), true)
    assert.equal(await look(1_000), true)
    assert.equal(checks, 3)
    late = 2
    assert.equal(await look(5_000), true)
    assert.equal(await look(1_000), false)
    assert.equal(await look(5_000), true)
  })

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
      {
        runtime,
        clock,
        log,
        term: () => 3,
        draining: () => false,
        stats: sampleStats,
        memoryStalledRatio: () => 0,
        onRoom: () => {},
        onCut: () => {}
      }
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
