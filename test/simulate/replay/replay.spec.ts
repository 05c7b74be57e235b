import assert from 'node:assert/strict'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import { baselines, strategyChooser } from '../../../src/simulate/replay/choosers.ts'
import { BATCH_FLEET, drawFleet, type MachineSpec } from '../../../src/simulate/replay/fleet.ts'
import { leastUsd, leastUsdInSteps, makespanBoundMs } from '../../../src/simulate/replay/bound.ts'
import { Invariants } from '../../../src/simulate/replay/invariants.ts'
import { measure } from '../../../src/simulate/replay/metrics.ts'
import type { ReplayInit, ReplayResult } from '../../../src/simulate/replay/replay-init.ts'
import { batchTasks, GPU_BOUND_MIX, steadyCalls } from '../../../src/simulate/workload/generated.ts'
import { runReplay } from './run-replay.ts'
import { drawnFunction, firstCalls, type SimFunction, type Workload, WorkloadBuilder } from '../../../src/simulate/workload/workload.ts'

const GIB = 2 ** 30
const ONE: MachineSpec = { name: 'one', cpus: 1, speed: 1, memoryBytes: 4 * GIB, gpus: 0, usdPerHour: 3.6 }

function run(workload: Workload, fields: Partial<ReplayInit> = {}): ReplayResult {
  return runReplay(workload, { fleet: [ONE], ...fields })
}

function workloadOf(calls: readonly (readonly [arrivalMs: number, runMs: number])[], fields: Partial<SimFunction> = {}): Workload {
  const builder = new WorkloadBuilder('w')
  const index = builder.functionIndex('f', name =>
    drawnFunction(name, () => 0, { imageBytes: 1e6, coldStartMs: 500, memoryBytes: GIB, ...fields })
  )
  for (const [arrivalMs, runMs] of calls) builder.add(index, arrivalMs, runMs)
  return builder.build()
}

describe('a replay', () => {
  it('pulls, starts and runs the first call, and finds the next one a warm container', () => {
    const { calls } = run(
      workloadOf([
        [0, 1_000],
        [5_000, 200]
      ])
    )
    // 10 ms for the image, 500 ms to start, 1 s to run, 1 ms of network; then 3 ms until the idle container has it.
    assert.deepEqual([...calls.endMs], [1_511, 5_204])
    assert.deepEqual([...calls.cold], [1, 0])
    assert.ok(Math.abs((calls.usd[1] ?? 0) - 0.203 / 1_000) < 1e-12, 'a dollar for 1,000 s of the whole machine')
  })

  it('starts anew what was idle for too long', () => {
    const { calls } = run(
      workloadOf([
        [0, 100],
        [5_000, 100]
      ]),
      { keepAliveMs: 2_000 }
    )
    assert.deepEqual([...calls.cold], [1, 1])
  })

  it('lets calls share the cores', () => {
    const { calls } = run(
      workloadOf([
        [0, 1_000],
        [0, 1_000]
      ])
    )
    assert.ok((calls.endMs[1] ?? 0) > 2_900)
  })

  it('lets what finds no room wait, and measures how long', () => {
    const { calls } = run(
      workloadOf([
        [0, 1_000],
        [0, 1_000],
        [0, 1_000]
      ])
    )
    assert.equal(calls.count('done'), 3)
    assert.ok((calls.startedMs[2] ?? 0) >= 2_900, 'two at once are all that a core is promised to')
  })

  it('refuses what no machine could ever have', () => {
    assert.equal(run(workloadOf([[0, 1]], { memoryBytes: 8 * GIB })).calls.count('refused'), 1)
    assert.equal(run(workloadOf([[0, 1]], { gpus: 1 })).calls.count('refused'), 1)
  })

  it('is the same for the same seed, and another for another', () => {
    const workload = firstCalls(steadyCalls(3), 200)
    const fleet = drawFleet({ peers: 6, seed: 3, priceSpread: 2 })
    const outcome = (seed: number): unknown => {
      const result = run(workload, { fleet, seed, estimates: 'learned', placers: 3, lossRatio: 0.2 })
      return [...result.calls.endMs, result.eventsCount]
    }
    assert.deepEqual(outcome(1), outcome(1))
    assert.notDeepEqual(outcome(1), outcome(2))
  })

  it('keeps its own rules through crashes, lost gossip and placers that do not see each other', () => {
    const workload = firstCalls(steadyCalls(4), 100)
    for (const chooser of [strategyChooser('cost', COST), ...baselines()]) {
      const result = run(workload, {
        fleet: drawFleet({ peers: 4, seed: 4, priceSpread: 1 }),
        chooser,
        placers: 4,
        lossRatio: 0.3,
        crashesPerHour: 400
      })
      const { calls } = result
      const lost = calls.count('lost')
      assert.equal(calls.count('done') + lost + calls.count('refused'), 100, chooser.name)
      assert.ok(result.crashes > 0 && lost > 0, chooser.name)
    }
  })

  it('does tasks that wait for their cores in no less time than the bound, and one after the other on a small machine', () => {
    const tasks = batchTasks('batch', GPU_BOUND_MIX, 5)
    const result = run(tasks, { fleet: BATCH_FLEET, waitingOrder: 'longest', sharesCores: false, estimates: 0.25 })
    const { makespanRatio } = measure(result, makespanBoundMs(tasks, BATCH_FLEET))
    assert.ok(makespanRatio >= 1 && makespanRatio < 2, String(makespanRatio))
    const alone = run(
      workloadOf(
        [
          [0, 1_000],
          [0, 1_000]
        ],
        { contract: 'stdio', coldStartMs: 0, imageBytes: 0 }
      ),
      { sharesCores: false }
    )
    assert.deepEqual([...alone.calls.endMs], [1_001, 2_001])
  })

  it('puts tasks that are there at once in the order of the waiting line, whichever was written down first', () => {
    const workload = workloadOf(
      [
        [0, 1_000],
        [0, 9_000],
        [0, 3_000]
      ],
      { contract: 'stdio', imageBytes: 0, coldStartMs: 0 }
    )
    const { calls } = run(workload, { sharesCores: false, waitingOrder: 'longest' })
    assert.deepEqual(
      [1, 2, 0],
      [0, 1, 2].toSorted((a, b) => (calls.startedMs[a] ?? 0) - (calls.startedMs[b] ?? 0))
    )
    assert.equal(calls.count('done'), 3)
  })

  it('costs no less than if the cheapest machines did it all without a pause', () => {
    const fleet = drawFleet({ peers: 4, seed: 4, priceSpread: 4 })
    for (const chooser of [strategyChooser('cost', COST), ...baselines()]) {
      const workload = workloadOf(Array.from({ length: 40 }, (_, i): [number, number] => [i * 10, 200]))
      const { calls, endMs } = run(workload, { fleet, chooser })
      const usd = calls.usd.reduce((sum, each) => sum + each, 0)
      const least = leastUsd(workload, fleet, endMs)
      assert.ok(least > 0 && least <= usd, `${chooser.name}: ${usd} is less than ${least}`)
    }
  })

  it('could cost the less the longer work can be put off', () => {
    const fleet = ['cheap', 'dear'].map((name, i) => ({
      name,
      cpus: 1,
      speed: 1,
      memoryBytes: 2 ** 30,
      gpus: 0,
      usdPerHour: 3.6 * (1 + i)
    }))
    // Two seconds of work at once, then none for three seconds.
    const workload = workloadOf([
      [0, 1_000],
      [0, 1_000],
      [3_999, 0]
    ])
    const thousandths = (usd: number): number => Math.round(usd * 1_000)
    assert.equal(thousandths(leastUsdInSteps(workload, fleet, 1_000)), 3, 'a second on each')
    assert.equal(thousandths(leastUsdInSteps(workload, fleet, 500)), 3, 'what both cannot do in a step is left for the next')
    assert.equal(thousandths(leastUsdInSteps(workload, fleet, 2_000)), 2)
    assert.equal(leastUsdInSteps(workload, fleet, 4_000), leastUsd(workload, fleet, 4_000))
  })

  it('cannot give figures of a simulation that is wrong', () => {
    const { calls, machines } = run(
      workloadOf([
        [0, 1_000],
        [5_000, 200]
      ])
    )
    const invariants = new Invariants(calls, machines)
    assert.doesNotThrow(() => invariants.checkEnd())
    calls.startedMs[1] = 4_000
    assert.throws(() => invariants.checkEnd(), /call 1 began before it arrived/)
    calls.startedMs[1] = 5_000
    calls.endMs[1] = 5_100
    assert.throws(() => invariants.checkEnd(), /call 1 took 100 ms and needs 200 ms/)
    calls.endMs[1] = 5_204
    calls.startWorkMs[1] = 900
    assert.throws(() => invariants.checkEnd(), /were asked for/)
  })
})
