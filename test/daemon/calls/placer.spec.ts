import assert from 'node:assert/strict'
import { Predictor } from '../../../src/core/predictor/predictor.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import { Placer } from '../../../src/daemon/calls/placer.ts'
import type { Observation } from '../../../src/model/observation.ts'
import { createRandom } from '../../../src/model/random.ts'
import { viewOf } from '../../core/scheduler/cluster.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ATLAS, INVOCATION, sampleFunction, sampleUsage } from '../../support/samples.ts'

const FN = sampleFunction({ cpus: 1 })
const CALL = { invocation: INVOCATION, headers: [], inputBytes: 100, round: 1, deadlineMs: 60_000, fallback: false }

/** A placer that knows one peer of 4 cores, of which others keep so many busy, and what it has passed on to be learned. */
function placerBeside(cpusUsed: number): { placer: Placer; learned: Observation[] } {
  const predictor = new Predictor()
  const learned: Observation[] = []
  const placer = new Placer({
    clock: new ManualClock(),
    random: createRandom(1),
    learning: {
      estimate: question => predictor.estimate(question),
      observe: observation => {
        learned.push(observation)
        predictor.observe(observation)
      },
      slowness: peer => predictor.slowness(peer)
    },
    strategyOf: () => COST,
    term: () => 1,
    self: ATLAS
  })
  placer.sync([viewOf(ATLAS, { stats: { cpusUsed, images: [FN.digest] } })])
  return { placer, learned }
}

const place = (placer: Placer): ReturnType<Placer['place']> => placer.place(FN, CALL, { try: 1, exclude: [] })

describe('what a placer has learned of an execution', () => {
  it('is what that took, where it had its cores to itself', () => {
    const { placer, learned } = placerBeside(1)
    placer.observe(FN, ATLAS, { start: 'cold', usage: sampleUsage({ runMs: 600 }), sharing: placer.sharing(place(placer)) })
    assert.deepEqual(
      learned.map(({ runMs, clean }) => ({ runMs, clean })),
      [{ runMs: 600, clean: true }]
    )
  })

  it('is what that would have taken alone, where others keep the cores busy: so the same is expected of the next one', () => {
    const { placer, learned } = placerBeside(4)
    // Its core is the fifth that is wanted of four: everything takes five fourths of the time.
    for (let run = 0; run < 5; run++) {
      placer.observe(FN, ATLAS, { start: 'cold', usage: sampleUsage({ runMs: 1_000 }), sharing: placer.sharing(place(placer)) })
    }
    assert.ok(learned.every(({ runMs, clean }) => Math.abs(runMs - 800) < 1e-6 && !clean))
    const [verdict] = place(placer).decision.verdicts
    assert.ok(verdict?.fits === true)
    assert.ok(Math.abs(verdict.cost.run + verdict.cost.queue - 1_000) < 1)
  })

  it('is what that took, where another placer had placed it, and nothing of its machine', () => {
    const { placer, learned } = placerBeside(4)
    placer.observe(FN, ATLAS, { start: 'cold', usage: sampleUsage({ runMs: 1_000 }), sharing: undefined })
    assert.deepEqual(
      learned.map(({ runMs, clean }) => ({ runMs, clean })),
      [{ runMs: 1_000, clean: false }]
    )
  })
})
