import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { CELL } from '../../../src/core/scheduler/cells.ts'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { ROUND_ROBIN } from '../../../src/core/scheduler/strategies/round-robin.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import type { Decision } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'
import { FN, GIB, IMAGE, peerId, requestOf, viewOf, warmStats } from './cluster.ts'

const SELF = peerId('self')

/** Turns remember who has had one, so a new table knows nothing of them. */
function withoutTurns(decision: Decision): Decision {
  const verdicts = decision.verdicts.map(verdict =>
    verdict.fits && verdict.terms !== undefined ? { ...verdict, terms: { ...verdict.terms, turn: 0 } } : verdict
  )
  return { ...decision, verdicts }
}

describe('PlacementTable', () => {
  it('takes over whose turn it is, of those that both tables know', () => {
    const views = ['a', 'b', 'c'].map(name => viewOf(name))
    const table = new PlacementTable(SELF)
    table.sync(views.slice(0, 2), 0)
    const order = { function: FN, cpus: 1, memoryBytes: GIB, llcBytes: undefined, start: 'cold' } as const
    for (const worker of ['a', 'b', 'a'].map(peerId)) table.reserve({ worker, ...order }, 0)
    const copy = new PlacementTable(SELF)
    copy.sync(views, 0)
    copy.takeTurnsOf(table)
    const next = (): string | null => place(requestOf(), copy, { random: createRandom(7), strategy: ROUND_ROBIN, kappa: 1 }).chosen
    const taken = [0, 1, 2].map(() => {
      const chosen = next() ?? ''
      copy.reserve({ worker: peerId(chosen), ...order }, 0)
      return chosen
    })
    assert.equal(taken.indexOf('a'), 2, `after two turns it waits for the others: ${taken.join()}`)
  })

  it('decides as a table made anew would, whatever came and went before', () => {
    const names = Array.from({ length: 90 }, (_, i) => `p${i}`)
    const action = fc.record({
      name: fc.constantFrom(...names),
      type: fc.constantFrom('update' as const, 'update' as const, 'remove' as const),
      idle: fc.constantFrom(0, 0, 2),
      hasImage: fc.boolean(),
      cpusUsed: fc.integer({ min: 0, max: 4 }),
      reservedGib: fc.integer({ min: 0, max: 8 }),
      state: fc.constantFrom('alive' as const, 'gone' as const),
      orders: fc.integer({ min: 0, max: 2 })
    })
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 150 }), fc.nat(), (actions, seed) => {
        const table = new PlacementTable(SELF)
        const views = new Map<string, PeerView>()
        const orders = new Map<string, number>()
        for (const { name, type, idle, hasImage, cpusUsed, reservedGib, state, orders: count } of actions) {
          if (type === 'remove') {
            table.remove(peerId(name))
            views.delete(name)
            continue
          }
          const view = viewOf(name, {
            state,
            stats: {
              cpusUsed,
              memoryReservedBytes: reservedGib * GIB,
              warm: idle === 0 ? [] : [{ function: FN, idle, busy: 0 }],
              images: hasImage ? [IMAGE] : []
            }
          })
          views.set(name, view)
          table.update(view, 0)
          for (let i = 0; i < count; i++) table.reserve({ worker: peerId(name), function: FN, cpus: 1, memoryBytes: GIB, start: 'cold' }, 0)
          orders.set(name, (orders.get(name) ?? 0) + count)
        }
        const anew = new PlacementTable(SELF)
        anew.sync([...views.values()], 0)
        for (const [name, count] of orders) {
          for (let i = 0; i < count; i++) anew.reserve({ worker: peerId(name), function: FN, cpus: 1, memoryBytes: GIB, start: 'cold' }, 0)
        }
        assert.equal(table.size, views.size)
        for (const name of views.keys()) {
          const pinned = requestOf({ pinnedTo: peerId(name) })
          const options = { strategy: COST, kappa: 1 }
          assert.deepEqual(
            withoutTurns(place(pinned, table, { ...options, random: createRandom(seed) })),
            withoutTurns(place(pinned, anew, { ...options, random: createRandom(seed) }))
          )
        }
        const homes = (of: PlacementTable): string[] => of.homes(FN).map(slot => of.ids[slot] ?? '')
        assert.deepEqual(homes(table), homes(anew))
      }),
      { numRuns: 50 }
    )
  })

  it('knows a peer by the architecture that it came back with', () => {
    const table = new PlacementTable(peerId('a'))
    const chosen = (): string | null =>
      place(requestOf({ arch: 'arm64' }), table, { random: createRandom(1), strategy: COST, kappa: 1 }).chosen
    table.sync([viewOf('a')], 0)
    assert.equal(chosen(), null)
    table.sync([viewOf('a', { profile: { arch: 'arm64', session: 2 }, stats: { seq: 1 } })], 0)
    assert.equal(chosen(), 'a')
    table.correct(peerId('a'), 2, { ...viewOf('a').stats, seq: 9 }, 0)
    assert.equal(chosen(), 'a', 'a correction speaks of statistics only')
  })

  it('removes peers that a view has no more', () => {
    const table = new PlacementTable(SELF)
    table.sync([viewOf('a'), viewOf('b'), viewOf('c')], 0)
    table.sync([viewOf('c'), viewOf('d')], 1)
    assert.deepEqual([...table.ids].sort(), ['c', 'd'])
  })

  it('forgets idle containers that a worker speaks of no more', () => {
    const table = new PlacementTable(SELF)
    table.update(viewOf('a', { stats: warmStats(2) }), 0)
    assert.equal(table.idle(FN)?.size, 1)
    table.update(viewOf('a'), 1)
    assert.equal(table.idle(FN), undefined)
    assert.equal(table.withImage(IMAGE), undefined)
  })

  it('does not count orders to an earlier life of a worker', () => {
    const table = new PlacementTable(SELF)
    table.update(viewOf('a'), 0)
    table.reserve({ worker: peerId('a'), function: FN, cpus: 1, memoryBytes: GIB, start: 'cold' }, 0)
    assert.equal(table.cells.get(0, CELL.memoryHeldBytes), GIB)
    table.update(viewOf('a', { profile: { session: 2 } }), 1)
    assert.equal(table.cells.get(0, CELL.memoryHeldBytes), 0)
    assert.equal(table.session(peerId('a')), 2)
  })

  it('counts what waits for a core on top of the cores in use, but not twice what it runs itself', () => {
    const table = new PlacementTable(SELF)
    const pressure = { cpuRatio: 0.5, memoryRatio: 0, ioRatio: 0, memoryStalledRatio: 0 }
    const busyOf = (stats: Partial<PeerView['stats']>): number | undefined => {
      table.update(viewOf('a', { stats: { ...stats, pressure } }), 0)
      return table.cells.get(0, CELL.cpusBusy)
    }
    assert.equal(busyOf({ cpusUsed: 9 }), 4.5)
    assert.equal(busyOf({ cpusUsed: 4, running: 8, cpusReserved: 8 }), 8)
  })

  it('takes over a correction until something newer is said, and none of another session or that is no news', () => {
    const table = new PlacementTable(SELF)
    const held = (): number => table.cells.get(0, CELL.memoryHeldBytes)
    const said = (seq: number, gib: number): PeerView['stats'] => viewOf('a', { stats: { seq, memoryReservedBytes: gib * GIB } }).stats
    const a = peerId('a')
    table.correct(a, 1, said(9, 9), 0)
    assert.equal(table.size, 0, 'nobody is added')
    table.update(viewOf('a', { stats: said(3, 1) }), 0)
    table.correct(a, 1, said(5, 4), 10)
    assert.equal(held(), 4 * GIB)
    table.update(viewOf('a', { stats: said(4, 2) }), 20)
    assert.equal(held(), 4 * GIB, 'what was gossiped before')
    table.correct(a, 1, said(5, 3), 30)
    table.correct(a, 2, said(8, 3), 30)
    assert.equal(held(), 4 * GIB, 'no news, another session')
    table.update(viewOf('a', { stats: said(6, 2) }), 40)
    assert.equal(held(), 2 * GIB)
    table.update(viewOf('a', { profile: { session: 2 }, stats: said(1, 0) }), 50)
    assert.equal(held(), 0, 'a new session counts from one')
  })

  it('keeps memory free for work outside', () => {
    const table = new PlacementTable(SELF)
    table.sync([viewOf('a'), viewOf('b')], 0)
    table.setOutside(peerId('a'), 7.5 * GIB)
    table.setOutside(peerId('gone'), 1)
    for (let seed = 0; seed < 5; seed++) {
      assert.equal(place(requestOf(), table, { random: createRandom(seed), strategy: COST, kappa: 1 }).chosen, 'b')
    }
    table.remove(peerId('a'))
    table.update(viewOf('a'), 1)
    assert.deepEqual(place(requestOf(), table, { random: createRandom(1), strategy: COST, kappa: 1 }).rejected, {})
  })

  it('tells the age of the oldest statistics', () => {
    const table = new PlacementTable(SELF)
    table.sync([viewOf('a', { ageMs: 300 }), viewOf('b', { ageMs: 50 })], 1_000)
    assert.equal(table.oldestLookedAtMs(1_200), 0)
    place(requestOf(), table, { random: createRandom(1), strategy: COST, kappa: 1 })
    assert.equal(table.oldestLookedAtMs(1_200), 500)
  })
})
