import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { place } from '../../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../../src/core/scheduler/placement-table.ts'
import { costStrategy } from '../../../../src/core/scheduler/strategies/cost.ts'
import { STRATEGIES } from '../../../../src/core/scheduler/strategies/strategies.ts'
import type { Strategy } from '../../../../src/core/scheduler/strategy.ts'
import type { PeerView } from '../../../../src/model/peer.ts'
import { type Decision, STRATEGY_NAMES } from '../../../../src/model/placement.ts'
import { createRandom } from '../../../../src/model/random.ts'
import { FN, GIB, IMAGE, peerId, requestOf, viewOf, warmStats } from '../cluster.ts'

const strategies: [name: string, strategy: Strategy][] = [
  ...STRATEGY_NAMES.map((name): [string, Strategy] => [name, STRATEGIES[name]]),
  ['cost for latency', costStrategy('latency')],
  ['cost for little money', costStrategy('cheap')]
]

const draft = fc.record({
  state: fc.constantFrom('alive' as const, 'alive' as const, 'alive' as const, 'suspect' as const),
  cpus: fc.constantFrom(1, 4, 16),
  memoryGib: fc.integer({ min: 1, max: 16 }),
  cpusUsed: fc.constantFrom(0, 0.5, 3),
  reserved: fc.integer({ min: 0, max: 4 }),
  idle: fc.constantFrom(0, 0, 2),
  hasImage: fc.boolean(),
  usdPerHour: fc.constantFrom(0.1, 0.1, 0.4)
})
const views = fc.array(draft, { maxLength: 8 }).map(drafts =>
  drafts.map(({ state, cpus, memoryGib, cpusUsed, reserved, idle, hasImage, usdPerHour }, i) =>
    viewOf(`p${i}`, {
      state,
      profile: { capacity: { cpus, memoryBytes: memoryGib * GIB, diskBytes: 0 }, usdPerHour },
      stats: {
        cpusUsed,
        cpusReserved: reserved,
        memoryReservedBytes: reserved * GIB,
        warm: idle === 0 ? [] : [{ function: FN, idle, busy: 0 }],
        images: hasImage ? [IMAGE] : []
      }
    })
  )
)

function tableOf(views: readonly PeerView[]): PlacementTable {
  const table = new PlacementTable(peerId('self'))
  table.sync(views, 0)
  return table
}

/** Places and reserves calls one after the other, as a burst that no statistics show yet, until nobody can have the next. */
function burst(strategy: Strategy, table: PlacementTable, { seed = 1, max = 200 } = {}): string[] {
  const random = createRandom(seed)
  const chosen: string[] = []
  while (chosen.length < max) {
    const decision = place(requestOf(), table, { random, strategy, kappa: 1 })
    const verdict = decision.verdicts[0]
    if (decision.chosen === null || verdict?.fits !== true) break
    table.reserve({ worker: decision.chosen, function: FN, cpus: 1, memoryBytes: GIB, start: verdict.start }, 0)
    chosen.push(decision.chosen)
  }
  return chosen
}

function shares(chosen: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const peer of chosen.toSorted()) counts[peer] = (counts[peer] ?? 0) + 1
  return counts
}

for (const [name, strategy] of strategies) {
  describe(`the strategy ${name}`, () => {
    const decide = (table: PlacementTable, seed = 1): Decision => {
      const { chosen, expected, verdicts, skipped, rejected } = place(requestOf(), table, {
        random: createRandom(seed),
        strategy,
        kappa: 1
      })
      return { chosen, expected, verdicts, skipped, rejected }
    }

    it('chooses a peer that can have the work whenever there is one, by the numbers that it gives', () => {
      fc.assert(
        fc.property(views, fc.nat(), (views, seed) => {
          const decision = decide(tableOf(views), seed)
          const fitting = decision.verdicts.filter(verdict => verdict.fits)
          const [first] = decision.verdicts
          if (fitting.length === 0) return assert.equal(decision.chosen, null)
          assert.ok(first?.fits === true && first.peer === decision.chosen)
          const scores = fitting.map(({ score, cost }) => score ?? cost.total)
          const least = Math.min(...scores)
          assert.ok((scores[0] ?? 0) <= least + Math.abs(least) * strategy.bandRatio + 1e-12, scores.join())
          assert.deepEqual(
            scores.slice(1),
            scores.slice(1).toSorted((a, b) => a - b)
          )
          return assert.ok(scores.every(Number.isFinite))
        }),
        { numRuns: 100 }
      )
    })

    it('decides the same for the same seed, in whatever order peers were heard', () => {
      fc.assert(
        fc.property(views, fc.nat(), (views, seed) => {
          assert.deepEqual(decide(tableOf(views.toReversed()), seed), decide(tableOf(views), seed))
        }),
        { numRuns: 50 }
      )
    })

    it('fills a cluster with a burst that just fits, by its own orders alone', () => {
      const capacity = { cpus: 2, memoryBytes: 8 * GIB, diskBytes: 0 }
      const views = ['a', 'b', 'c'].map(id => viewOf(id, { profile: { capacity }, stats: { images: [IMAGE] } }))
      const chosen = burst(strategy, tableOf(views))
      assert.deepEqual(shares(chosen), { a: 4, b: 4, c: 4 })
    })
  })
}

describe('the strategies', () => {
  it('go by their names', () => {
    for (const name of STRATEGY_NAMES) assert.equal(STRATEGIES[name].name, name)
  })
})

describe('strategies differ', () => {
  const equal = (): PeerView[] => ['a', 'b', 'c', 'd'].map(id => viewOf(id, { stats: { images: [IMAGE] } }))

  for (const name of ['cost', 'round-robin', 'balanced', 'load-balanced', 'predictive'] as const) {
    it(`${name} spreads a burst over equal peers`, () => {
      // As long as cores are free one is as good as the other to who looks at time only.
      const counts = Object.values(shares(burst(STRATEGIES[name], tableOf(equal()), { max: 16 })))
      assert.ok(counts.length === 4 && Math.max(...counts) <= 4, counts.join())
    })
  }

  for (const name of ['greedy', 'aggressive'] as const) {
    it(`${name} fills one peer before it touches the next`, () => {
      const chosen = burst(STRATEGIES[name], tableOf(equal()), { max: 24 })
      assert.deepEqual(
        Array.from({ length: 3 }, (_, i) => new Set(chosen.slice(8 * i, 8 * i + 8)).size),
        [1, 1, 1],
        chosen.join()
      )
    })
  }

  it('round-robin gives turns by cores, and no arrears to who was away', () => {
    const big = viewOf('big', { profile: { capacity: { cpus: 8, memoryBytes: 64 * GIB, diskBytes: 0 } } })
    const small = viewOf('small', { profile: { capacity: { cpus: 4, memoryBytes: 64 * GIB, diskBytes: 0 } } })
    const away = viewOf('away', { profile: { capacity: { cpus: 4, memoryBytes: 64 * GIB, diskBytes: 0 } }, state: 'suspect' })
    const table = tableOf([big, small, away])
    assert.deepEqual(shares(burst(STRATEGIES['round-robin'], table, { max: 9 })), { big: 6, small: 3 })
    table.update({ ...away, state: 'alive' }, 0)
    const after = burst(STRATEGIES['round-robin'], table, { max: 8 })
    assert.ok((shares(after)['away'] ?? 0) <= 3, after.join())
  })

  it('cost weighs money against time by its objective', () => {
    const dear = viewOf('dear', { profile: { usdPerHour: 0.3 }, stats: warmStats(1) })
    const cheap = viewOf('cheap', { profile: { usdPerHour: 0.1 }, stats: { images: [IMAGE] } })
    const slow = { ...requestOf(), estimate: { ...requestOf().estimate, coldStartMs: 1_000 } }
    const choose = (objective: 'latency' | 'balanced' | 'cheap', request = requestOf()): unknown =>
      place(request, tableOf([dear, cheap]), { random: createRandom(1), strategy: costStrategy(objective), kappa: 1 }).chosen
    // A start of 0.2 s is worth a third of the price; one of 1 s, at twice the time for what it occupies, only if money is what counts.
    assert.deepEqual([choose('latency'), choose('balanced'), choose('cheap')], ['dear', 'cheap', 'cheap'])
    assert.deepEqual([choose('latency', slow), choose('balanced', slow), choose('cheap', slow)], ['dear', 'dear', 'cheap'])
  })

  it('cost counts what the work would do to the others on shared cores', () => {
    const score = (cpuLoad: number, cpuShare: number): number =>
      costStrategy('latency').score({
        field: { bestMs: 1, pricesDiffer: true },
        totalMs: 100,
        occupiedMs: 99,
        usd: 1,
        cpuLoad,
        memoryLoad: 0,
        cpuShare,
        turn: 0,
        place: 0
      })
    assert.deepEqual([score(0.2, 0.1), score(1, 0.1)], [100, 100], 'a core for each')
    assert.equal(
      score(1.5, 0.5),
      100 * (1 + 1 / 1.5),
      'all of it is too much: it takes from the others as much time as they have of the cores'
    )
    assert.equal(score(1.25, 0.5), 100 * (1 + (0.5 * 0.75) / 1.25), 'half of it is too much')
    assert.equal(score(2, 2), 100, 'nobody else is there')
    assert.ok(score(1_000, 0.1) < 200)
  })

  it('cost looks at time alone where prices are the same, or any is not stated', () => {
    for (const usdPerHour of [0, 0.3]) {
      const warm = viewOf('warm', { profile: { usdPerHour: 0.3 }, stats: warmStats(1) })
      const cold = viewOf('cold', { profile: { usdPerHour }, stats: { images: [IMAGE] } })
      const decision = place(requestOf(), tableOf([warm, cold]), { random: createRandom(1), strategy: costStrategy('cheap'), kappa: 1 })
      assert.equal(decision.chosen, 'warm')
      assert.ok(decision.verdicts.every(verdict => verdict.fits && verdict.score === undefined))
    }
  })
})
