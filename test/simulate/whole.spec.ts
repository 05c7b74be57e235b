import assert from 'node:assert/strict'
import { queryObjects } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { describeFailure, explainFailure, runSeeds } from '../../src/simulate/run.ts'
import { WHOLE } from '../../src/simulate/whole/subject.ts'
import { simulateWhole } from '../../src/simulate/whole/simulate.ts'
import { World } from '../../src/simulate/world.ts'
import regressions from './regressions.json' with { type: 'json' }

const ONE_SEED = process.env['SEED']
const FIXED_SEEDS = 8
const FRESH_SEEDS = 2
/** A hundredfold of what a run takes on an idle machine: only a run that hangs is stopped. */
const TIMEOUT_MS = 60_000

async function assertNoFailure(from: number, count: number): Promise<void> {
  const { failures } = await runSeeds(WHOLE, { from, count })
  const [first] = failures
  if (first !== undefined) assert.fail(`${failures.map(describeFailure).join('\n')}\n${await explainFailure(WHOLE, first)}`)
}

describe('whole clusters, simulated', function () {
  this.timeout(TIMEOUT_MS)

  if (ONE_SEED !== undefined) {
    it(`keep their promises in the run of SEED=${ONE_SEED}`, async () => {
      const lines: string[] = []
      const { violation } = await simulateWhole({ seed: Number(ONE_SEED), trace: line => lines.push(line) })
      assert.equal(violation, undefined, lines.join('\n'))
    })
    return
  }

  for (const { seed, found } of regressions.whole) {
    it(`keep their promises in the run of seed ${seed}, which has found ${found}`, async () => {
      // Services came later: they would change the run.
      assert.equal((await simulateWhole({ seed, knobs: { servicesCount: 0 } })).violation, undefined)
    })
  }

  for (let seed = 1; seed <= FIXED_SEEDS; seed++) {
    it(`keep their promises through faults, and are whole after them (seed ${seed})`, () => assertNoFailure(seed, 1))
  }

  const fresh = 1_000_000 + (Date.now() % 1_000_000_000)
  it(`keep their promises in runs that nobody has tried before (seeds ${fresh} to ${fresh + FRESH_SEEDS - 1})`, () =>
    assertNoFailure(fresh, FRESH_SEEDS))

  it('are the same runs for the same seeds, in any thread', async () => {
    const here: string[] = []
    for (const seed of [4, 7, 4]) here.push((await simulateWhole({ seed })).digest)
    assert.equal(here[0], here[2])
    assert.notEqual(here[0], here[1])
    const module = new URL('../../src/simulate/whole/simulate.ts', import.meta.url).href
    const program = `
      const { parentPort } = require('node:worker_threads')
      import(${JSON.stringify(module)}).then(async ({ simulateWhole }) => parentPort.postMessage((await simulateWhole({ seed: 4 })).digest))`
    const worker = new Worker(program, { eval: true })
    try {
      const there = await new Promise<unknown>((resolve, reject) => worker.once('message', resolve).once('error', reject))
      assert.equal(there, here[0])
    } finally {
      await worker.terminate()
    }
  })

  it('go when they are over, though some of their peers have died while they waited for something', async () => {
    const count = (): number => queryObjects(World, { format: 'count' })
    const before = count()
    for (const seed of [5_000, 5_001, 5_002, 5_003]) await simulateWhole({ seed })
    // A peer that tries one thing after the other may keep a world. More would fill the memory of a run of many seeds.
    assert.ok(count() - before <= 1, `${count() - before} worlds of 4 are left`)
  })

  it('replay given faults in place of drawn ones, and tell of them', async () => {
    const lines: string[] = []
    const { violation, coverage } = await simulateWhole({
      seed: 3,
      knobs: { peersCount: 3, isGrown: false, chaosMs: 4_000, dieAfterWriteRatio: 0, idlePeersCount: 0 },
      faults: [{ atMs: 2_500, type: 'crash', target: { peer: 0, preferOrchestrator: true }, downMs: 500, power: false }],
      trace: line => lines.push(line)
    })
    assert.equal(violation, undefined)
    assert.equal(coverage['crashes'], 1)
    assert.equal(lines.filter(line => / p\d is killed$/.test(line)).length, 1)
    assert.ok((coverage['elections'] ?? 0) >= 2)
  })
})
