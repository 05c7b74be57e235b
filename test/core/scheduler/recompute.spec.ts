import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { recompute } from '../../../src/core/scheduler/recompute.ts'
import { strategyFor } from '../../../src/core/scheduler/strategies/strategies.ts'
import { type Decision, OBJECTIVES, STRATEGY_NAMES } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'
import { readReceipt } from '../../../src/wire/invocation-json.ts'
import { sampleReceipt } from '../../support/samples.ts'
import { FN, GIB, IMAGE, llcOf, MIB, peerId, requestOf, viewOf } from './cluster.ts'

const draft = fc.record({
  cpus: fc.constantFrom(1, 2, 4, 16),
  memoryGib: fc.integer({ min: 1, max: 16 }),
  cpusUsed: fc.double({ min: 0, max: 8, noNaN: true }),
  reservedGib: fc.integer({ min: 0, max: 4 }),
  idle: fc.constantFrom(0, 0, 1),
  hasImage: fc.boolean(),
  usdPerHour: fc.constantFrom(0, 0.1, 0.1, 0.4),
  slowness: fc.constantFrom(0.5, 1, 3),
  orders: fc.integer({ min: 0, max: 3 }),
  llcMib: fc.constantFrom(undefined, 8, 32),
  llcHeldMib: fc.constantFrom(0, 4, 40)
})

describe('a receipt', () => {
  it('holds the numbers that decided: worked out again, after a way over the wire, they give the same decision, whatever the strategy', () => {
    fc.assert(
      fc.property(
        fc.array(draft, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...STRATEGY_NAMES),
        fc.constantFrom(undefined, ...OBJECTIVES),
        fc.constantFrom(1, 4),
        fc.constantFrom(undefined, { bytes: 10 * MIB, slowdown: 0.5, basis: 'occupancy' as const }),
        fc.nat(),
        (drafts, strategyName, objective, kappa, cache, seed) => {
          const table = new PlacementTable(peerId('p0'))
          const views = drafts.map(({ cpus, memoryGib, cpusUsed, reservedGib, idle, hasImage, usdPerHour, llcMib, llcHeldMib }, i) =>
            viewOf(`p${i}`, {
              profile: { capacity: { cpus, memoryBytes: memoryGib * GIB, diskBytes: 0 }, usdPerHour },
              stats: {
                cpusUsed,
                memoryReservedBytes: reservedGib * GIB,
                warm: idle === 0 ? [] : [{ function: FN, idle, busy: 0 }],
                images: hasImage ? [IMAGE] : [],
                ...(llcMib === undefined ? {} : { llc: llcOf(llcMib, llcHeldMib) })
              }
            })
          )
          table.sync(views, 0)
          for (const [i, { slowness, orders }] of drafts.entries()) {
            table.setSlowness(peerId(`p${i}`), slowness)
            for (let order = 0; order < orders; order++) {
              table.reserve({ worker: peerId(`p${i}`), function: FN, cpus: 1, memoryBytes: 1, start: 'cold' }, 0)
            }
          }
          const strategy = strategyFor({ strategy: strategyName, objective })
          const decision = place(requestOf({ estimate: { ...requestOf().estimate, ...(cache === undefined ? {} : { cache }) } }), table, {
            random: createRandom(seed),
            strategy,
            kappa
          })
          const arrived = readReceipt(JSON.stringify({ ...sampleReceipt(), decision })).decision
          const again = recompute(arrived, strategyName, strategy.objective)
          assert.ok(again !== undefined)
          if (decision.chosen !== null)
            assert.ok(again.best.has(decision.chosen), `${decision.chosen} is not among ${[...again.best].join()}`)
          for (const verdict of arrived.verdicts) {
            if (verdict.fits) assert.equal(again.scores.get(verdict.peer), verdict.score ?? verdict.cost.total)
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  it('is not worked out again without its numbers', () => {
    const { cost } = { cost: { network: 1, start: 1, pull: 0, queue: 0, run: 5, total: 7 } }
    const old: Decision = {
      chosen: peerId('a'),
      verdicts: [{ peer: peerId('a'), fits: true, cost, start: 'warm' }],
      skipped: 0,
      rejected: {}
    }
    assert.equal(recompute(old, 'cost'), undefined)
  })
})
