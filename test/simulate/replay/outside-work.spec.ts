import assert from 'node:assert/strict'
import { drawFleet, type MachineSpec } from '../../../src/simulate/replay/fleet.ts'
import { measure } from '../../../src/simulate/replay/metrics.ts'
import type { ReplayInit, ReplayResult } from '../../../src/simulate/replay/replay-init.ts'
import { steadyCalls } from '../../../src/simulate/workload/generated.ts'
import { runReplay } from './run-replay.ts'
import { drawnFunction, firstCalls, type SimFunction, type Workload, WorkloadBuilder } from '../../../src/simulate/workload/workload.ts'

const GIB = 2 ** 30
/** 0.8 of its cores are what admission gives away: three of one each. */
const FOUR: MachineSpec = { name: 'four', cpus: 4, speed: 1, memoryBytes: 8 * GIB, gpus: 0, usdPerHour: 1 }

function run(workload: Workload, fields: Partial<ReplayInit> = {}): ReplayResult {
  return runReplay(workload, { fleet: [FOUR], outsideShare: 1, ...fields })
}

function tasks(count: number, runMs: number, fields: Partial<SimFunction> = {}): Workload {
  const builder = new WorkloadBuilder('w')
  const index = builder.functionIndex('f', name =>
    drawnFunction(name, () => 0, { imageBytes: 0, coldStartMs: 0, memoryBytes: GIB / 8, cpus: 1, ...fields })
  )
  for (let i = 0; i < count; i++) builder.add(index, 0, runMs)
  return builder.build()
}

describe('work outside CARES, in a replay', () => {
  it('is admitted up to the target, and waits for about as long as it was told', () => {
    const result = run(tasks(9, 10_000))
    const { admission, calls } = result
    assert.deepEqual([admission?.asked, admission?.approved, admission?.refused], [9, 9, 0])
    const starts = [...calls.startedMs].toSorted((a, b) => a - b)
    assert.deepEqual(
      starts.map(ms => Math.round(ms / 10_000)),
      [0, 0, 0, 1, 1, 1, 2, 2, 2],
      'three at a time'
    )
    const { outsideWaitErrorS, outsideWaitS } = measure(result, 0)
    assert.ok(outsideWaitErrorS < 3, `${outsideWaitErrorS} s wrong`)
    assert.ok(outsideWaitS > 8 && outsideWaitS < 13, `${outsideWaitS} s`)
  })

  it('is refused for good where no machine is large enough', () => {
    const { calls, admission } = run(tasks(2, 1_000, { cpus: 4 }))
    assert.deepEqual([calls.count('refused'), admission?.refused], [2, 2])
  })

  it('is refused for now while no machine has been heard of for too long, and runs when one is again', () => {
    const workload = tasks(90, 4_000)
    const { calls, admission } = run(workload, { lossRatio: 0.7, fleet: [FOUR] })
    assert.equal(calls.count('done'), 90)
    assert.ok((admission?.wrongByMs.length ?? 0) > 0)
  })

  it('takes no room that functions have been promised, and functions none of its own', () => {
    const workload = firstCalls(steadyCalls(3), 600)
    const result = run(workload, { fleet: drawFleet({ peers: 20, priceSpread: 1, seed: 3 }), outsideShare: 0.3, estimates: 'learned' })
    assert.ok((result.admission?.approved ?? 0) > 0)
    assert.equal(result.calls.count('done') + result.calls.count('refused'), result.calls.size)
  })

  it('is lost with its machine, and makes room for what waits', () => {
    const { calls, admission } = run(tasks(60, 30_000), { crashesPerHour: 60 })
    assert.ok(calls.count('lost') > 0)
    assert.equal(calls.count('lost') + calls.count('done'), 60)
    assert.equal(admission?.approved, 60)
  })

  it('has nobody to ask without an orchestrator', () => {
    assert.throws(() => run(tasks(1, 1), { placers: 3 }), { code: 'invalid' })
  })
})
