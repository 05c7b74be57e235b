import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { cacheShortage } from '../../../src/core/scheduler/cache-shortage.ts'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import { LLC_MODES } from '../../../src/model/llc.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import type { Decision, Verdict } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'
import { FN, llcOf, MIB, peerId, requestOf, viewOf } from './cluster.ts'

const NEED = { bytes: 8 * MIB, slowdown: 0.5, basis: 'ways' } as const

describe('a cache that is short', () => {
  const rows = [
    { free: 20, longer: 0 },
    { free: 8, longer: 0 },
    { free: 4, longer: 0.25 },
    { free: 0, longer: 0.5 },
    { free: -30, longer: 0.5 }
  ]
  for (const { free, longer } of rows) {
    it(`makes a run ${100 * longer} % longer with ${free} of 8 MiB free`, () => assert.equal(cacheShortage(NEED, free * MIB), longer))
  }

  it('is nothing to who needs none, however little there is', () => assert.equal(cacheShortage({ ...NEED, bytes: 0 }, -1), 0))

  it('never shortens a run, nor lengthens it by more than its slowdown, and matters less the more is free', () => {
    const amount = fc.double({ min: 0, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(amount, amount, fc.double({ min: -1e9, max: 1e9, noNaN: true }), amount, (bytes, slowdown, free, more) => {
        const need = { bytes, slowdown, basis: 'assumed' } as const
        const shortage = cacheShortage(need, free)
        assert.ok(shortage >= 0 && shortage <= slowdown, String(shortage))
        assert.ok(cacheShortage(need, free + more) <= shortage)
      })
    )
  })
})

describe('a placement with a need of cache', () => {
  function decide(views: readonly PeerView[], cache: typeof NEED | undefined, prepare?: (table: PlacementTable) => void): Decision {
    const table = new PlacementTable(peerId('self'))
    table.sync(views, 0)
    prepare?.(table)
    const request = requestOf({ estimate: { ...requestOf().estimate, ...(cache === undefined ? {} : { cache }) } })
    return place(request, table, { random: createRandom(1), strategy: COST, kappa: 1 })
  }

  function on({ verdicts }: Decision, peer: string): Extract<Verdict, { fits: true }> {
    const verdict = verdicts.find(each => each.peer === peer)
    assert.ok(verdict?.fits === true)
    return verdict
  }

  it('goes where more of it is free, and the receipt says what was missing where', () => {
    const decision = decide([viewOf('full', { stats: { llc: llcOf(16, 14) } }), viewOf('free', { stats: { llc: llcOf(16, 2) } })], NEED)
    assert.equal(decision.chosen, 'free')
    assert.equal(on(decision, 'full').cost.cache, 1_000 * 0.5 * (6 / 8))
    assert.equal(on(decision, 'full').terms?.llcFreeBytes, 2 * MIB)
    assert.equal(on(decision, 'free').cost.cache, undefined)
  })

  it('counts own orders that the peer does not show yet', () => {
    const decision = decide([viewOf('a', { stats: { llc: llcOf(16, 0) } })], NEED, table => {
      table.reserve({ worker: peerId('a'), function: FN, cpus: 0.1, memoryBytes: 1, start: 'cold', llcBytes: 12 * MIB }, 0)
    })
    assert.equal(on(decision, 'a').cost.cache, 1_000 * 0.5 * (4 / 8))
  })

  for (const mode of LLC_MODES) {
    const counts = mode !== 'none'
    it(`${counts ? 'counts it' : 'does not count it'} where the mode is ${mode}`, () => {
      const decision = decide([viewOf('a', { stats: { llc: llcOf(16, 16, mode) } })], NEED)
      assert.equal(on(decision, 'a').cost.cache, counts ? 500 : undefined)
    })
  }

  it('costs nothing where nothing is known of the function, or of the peer', () => {
    assert.equal(on(decide([viewOf('a', { stats: { llc: llcOf(16, 16) } })], undefined), 'a').cost.cache, undefined)
    assert.equal(on(decide([viewOf('a')], NEED), 'a').cost.cache, undefined)
  })
})
