import assert from 'node:assert/strict'
import { simulateConsensus } from '../../src/simulate/consensus/simulate.ts'
import { CONSENSUS } from '../../src/simulate/consensus/subject.ts'
import { addRuns, describeFailure, explainFailure, NO_RUNS, runSeeds, type RunSummary } from '../../src/simulate/run.ts'
import { withPeers } from '../../src/simulate/subject.ts'
import regressions from './regressions.json' with { type: 'json' }

const ONE_SEED = process.env['SEED']
const FIXED_SEEDS = 2_000
const SEEDS_PER_TEST = 200
const FRESH_SEEDS = 100
/** Each costs as much as eighty of the others. */
const LARGE_SEEDS = 4
/** A hundredfold of what it takes on an idle machine: only a run that hangs is stopped. */
const TIMEOUT_MS = 240_000

async function assertNoFailure(from: number, count: number, subject = CONSENSUS): Promise<RunSummary> {
  const summary = await runSeeds(subject, { from, count })
  const [first] = summary.failures
  if (first !== undefined) assert.fail(`${summary.failures.map(describeFailure).join('\n')}\n${await explainFailure(subject, first)}`)
  return summary
}

describe('consensus, simulated', function () {
  this.timeout(TIMEOUT_MS)

  if (ONE_SEED !== undefined) {
    it(`holds its promises in the run of SEED=${ONE_SEED}`, () => {
      const lines: string[] = []
      const { violation } = simulateConsensus({ seed: Number(ONE_SEED), trace: line => lines.push(line) })
      assert.equal(violation, undefined, lines.join('\n'))
    })
    return
  }

  it('holds its promises in the runs that have found a bug once', () => {
    for (const { seed, found } of regressions.consensus) {
      assert.equal(simulateConsensus({ seed }).violation, undefined, `SEED=${seed}, which found: ${found}`)
    }
  })

  let summary = NO_RUNS
  for (let from = 1; from <= FIXED_SEEDS; from += SEEDS_PER_TEST) {
    it(`is safe through faults and whole after them (seeds ${from} to ${from + SEEDS_PER_TEST - 1})`, async () => {
      summary = addRuns(summary, await assertNoFailure(from, SEEDS_PER_TEST))
    })
  }

  it('has been through every corner that it is meant to try', () => {
    for (const [corner, count] of Object.entries(summary.coverage)) assert.ok(count >= 20, `${corner}: only ${count} times`)
  })

  const fresh = 1_000_000 + (Date.now() % 1_000_000_000)
  it(`is safe and whole in runs that nobody has tried before (seeds ${fresh} to ${fresh + FRESH_SEEDS - 1})`, async () => {
    await assertNoFailure(fresh, FRESH_SEEDS)
  })

  it('is safe and whole where fifty peers have five voters', async () => {
    const { coverage } = await assertNoFailure(1, LARGE_SEEDS, withPeers(CONSENSUS, 50))
    assert.ok((coverage['elections'] ?? 0) > LARGE_SEEDS, 'some orchestrators were replaced')
    assert.ok((coverage['snapshotsRestored'] ?? 0) > 0, 'some peers were far behind')
  })

  it('is the same run for the same seed, and another one for another', () => {
    const digests = [7, 7, 8].map(seed => simulateConsensus({ seed }).digest)
    assert.equal(digests[0], digests[1])
    assert.notEqual(digests[0], digests[2])
  })

  it('replays given faults in place of drawn ones', () => {
    const lines: string[] = []
    const target = { peer: 0, preferLeader: true }
    const { violation } = simulateConsensus({
      seed: 3,
      knobs: { peersCount: 3, chaosMs: 5_000, dieAfterPersistRatio: 0 },
      faults: [{ atMs: 3_000, type: 'crash', target, downMs: 1_000 }],
      trace: line => lines.push(line)
    })
    assert.equal(violation, undefined)
    assert.equal(lines.filter(line => line.includes('crashes as')).length, 1)
  })
})
