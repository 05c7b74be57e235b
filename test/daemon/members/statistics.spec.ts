import assert from 'node:assert/strict'
import { noTasks } from '../../../src/core/tasks/apply-changes.ts'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { Statistics } from '../../../src/daemon/members/statistics.ts'
import { Worker } from '../../../src/daemon/calls/work.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { FunctionRecord } from '../../../src/model/function.ts'
import type { Host } from '../../../src/model/ports/runtime.ts'
import { untilAborted } from '../../../src/model/until-aborted.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ATLAS, sampleFunction, sampleStats } from '../../support/samples.ts'
import { ScriptedRuntime } from '../../support/scripted-runtime.ts'
import { createTestLog } from '../../support/test-log.ts'

describe('Statistics', () => {
  it('does not call an engine away that was late once, and asks it again soon', async () => {
    const clock = new ManualClock()
    const runtime = new ScriptedRuntime('worker', {})
    let late = 0
    let checks = 0
    const check = async ({ signal }: { signal: AbortSignal }): Promise<{ ready: boolean; reason: string }> => {
      checks++
      if (late-- > 0) await untilAborted(new Promise(() => {}), signal)
      return { ready: true, reason: 'scripted' }
    }
    runtime.check = check as typeof runtime.check
    const { statistics } = statisticsOf(runtime, { clock, host: async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }) })
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
    const clock = new ManualClock()
    const runtime = new ScriptedRuntime('worker', {})
    let checks = 0
    let ready = true
    runtime.check = async () => {
      checks++
      if (!ready) throw new CaresError('runtime_unavailable', 'scripted')
      return { ready: true, reason: 'scripted' }
    }
    const { statistics, worker } = statisticsOf(runtime, {
      clock,
      functions: [sampleFunction()],
      host: async () => Promise.reject(new Error('scripted'))
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

  it('counts tasks beside the calls, by which placers judge, and says nothing of them while there are none', async () => {
    const clock = new ManualClock()
    const runtime = new ScriptedRuntime('worker', {})
    const counts = { tasks: 0 }
    const { statistics } = statisticsOf(runtime, {
      clock,
      host: async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }),
      tasks: () => counts.tasks
    })
    assert.equal('tasks' in (await statistics.sample()), false)
    counts.tasks = 2
    const { running, tasks } = statistics.now()
    assert.deepEqual({ running, tasks }, { running: 0, tasks: 2 })
  })
})

interface Scripted {
  readonly clock: ManualClock
  /** What the machine says when it is asked. */
  readonly host: Host['sample']
  readonly functions?: readonly FunctionRecord[]
  readonly tasks?: () => number
}

/** The statistics of a worker that nobody gives work. */
function statisticsOf(
  runtime: ScriptedRuntime,
  { clock, host, functions = [], tasks = () => 0 }: Scripted
): { statistics: Statistics; worker: Worker } {
  const log = createTestLog()
  const common = { runtime, clock, log, term: () => 3, draining: () => false }
  const unused = { stats: sampleStats, memoryStalledRatio: () => 0, onRoom: () => {}, onCut: () => {} }
  const worker = new Worker({ self: ATLAS, session: 1 }, { ...common, ...unused })
  const tables = {
    functions: new Map(functions.map(fn => [fn.name, fn])),
    removed: new Map(),
    draining: new Set<string>(),
    tasks: noTasks(),
    remembered: new Map()
  }
  const components = {
    host: { capacity: runtime.capacity, sample: host },
    worker,
    tasks,
    tables: () => tables,
    events: new EventLog({ clock })
  }
  return { statistics: new Statistics({ ...common, ...components }), worker }
}
