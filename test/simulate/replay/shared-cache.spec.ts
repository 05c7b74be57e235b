import assert from 'node:assert/strict'
import { relativeTime } from '../../../src/core/llc/cache-curve.ts'
import { COST, costStrategy } from '../../../src/core/scheduler/strategies/cost.ts'
import { strategyChooser } from '../../../src/simulate/replay/choosers.ts'
import { drawFleet, type MachineSpec } from '../../../src/simulate/replay/fleet.ts'
import { measure } from '../../../src/simulate/replay/metrics.ts'
import { cacheBytesOf, drawTraits, SharedCache, traitsOf } from '../../../src/simulate/replay/shared-cache.ts'
import { steadyCalls } from '../../../src/simulate/workload/generated.ts'
import { firstCalls } from '../../../src/simulate/workload/workload.ts'
import { runReplay } from './run-replay.ts'

const MIB = 2 ** 20

describe('the cache of a simulated machine', () => {
  it('slows nobody down who has it alone, and whoever shares it by the curve, more the more there are', () => {
    const hungry = traitsOf(1)
    const cache = new SharedCache(16 * MIB)
    const factors = Array.from({ length: 4 }, () => cache.enter(hungry))
    assert.equal(factors[0], 1)
    assert.ok(
      factors.every((factor, i) => i === 0 || factor > (factors[i - 1] ?? 0)),
      factors.join()
    )
    assert.equal(factors[3], relativeTime(1, 4 * MIB) / relativeTime(1, 16 * MIB), 'a quarter each')
  })

  it('gives each a part by its need, and takes it back at the end', () => {
    const [hungry, modest] = [traitsOf(1), traitsOf(0.1)]
    assert.ok(hungry.need.bytes > 4 * modest.need.bytes)
    const cache = new SharedCache(16 * MIB)
    cache.enter(hungry)
    assert.ok(cache.enter(modest) < 1.06, 'who needs little is not slowed down by who needs much')
    cache.leave(hungry)
    assert.equal(cache.neededBytes, Math.max(1, modest.need.bytes))
    cache.clear()
    assert.equal(cache.enter(hungry), 1)
  })

  it('has needs that are the knee of the curve', () => {
    for (const steepness of [0, 0.02, 0.1, 0.5, 1]) {
      const { need } = traitsOf(steepness)
      const whole = relativeTime(steepness, 32 * MIB)
      assert.ok(relativeTime(steepness, need.bytes) <= 1.05 * whole + 1e-6, String(steepness))
      if (need.bytes > 1) assert.ok(relativeTime(steepness, 0.99 * need.bytes) > 1.05 * whole, String(steepness))
      assert.ok(Math.abs(need.slowdown - (relativeTime(steepness, 1) / whole - 1)) < 1e-9)
    }
  })

  it('has the same functions for the same seed, some of which gain nothing by it', () => {
    assert.deepEqual(drawTraits(60, 1), drawTraits(60, 1))
    assert.notDeepEqual(drawTraits(60, 1), drawTraits(60, 2))
    const insensitive = drawTraits(600, 3).filter(({ steepness }) => steepness === 0).length
    assert.ok(insensitive > 150 && insensitive < 250, String(insensitive))
  })
})

describe('a replay with caches that are shared', () => {
  const workload = firstCalls(steadyCalls(3), 600)
  const fleet: readonly MachineSpec[] = drawFleet({ peers: 20, priceSpread: 1, seed: 3 })
  const lossOf = (cache: 'off' | 'blind' | 'known', chooser = strategyChooser('cost', COST)): number =>
    measure(runReplay(workload, { fleet, cache, chooser, keepAliveMs: 600_000 }), 0).cacheLoss

  it('takes longer for it, and says by how much; without it says nothing', () => {
    assert.ok(Number.isNaN(lossOf('off')))
    assert.ok(lossOf('blind') > 0.005)
  })

  it('loses less where placers know who needs what', () => {
    for (const objective of ['latency', 'balanced'] as const) {
      const chooser = strategyChooser('cost', costStrategy(objective))
      const [blind, known] = [lossOf('blind', chooser), lossOf('known', chooser)]
      assert.ok(known < blind, `${objective}: ${known} of ${blind}`)
    }
  })

  it('keeps its own rules through crashes, and is the same for the same seed', () => {
    const run = (): readonly number[] => {
      const few = firstCalls(workload, 100)
      const small = fleet.slice(0, 4)
      const result = runReplay(few, { fleet: small, cache: 'known', crashesPerHour: 400, lossRatio: 0.2, placers: 3, estimates: 'learned' })
      assert.equal(result.calls.count('done') + result.calls.count('lost') + result.calls.count('refused'), result.calls.size)
      return [...result.calls.endMs]
    }
    assert.deepEqual(run(), run())
  })

  it('has a cache for each core', () => {
    assert.equal(cacheBytesOf({ cpus: 8 }), 32 * MIB)
  })
})
