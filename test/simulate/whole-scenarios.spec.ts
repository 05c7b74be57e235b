import assert from 'node:assert/strict'
import { PRESETS } from '../../src/model/presets.ts'
import { emptyWholeCoverage, type WholeCoverage } from '../../src/simulate/whole/coverage.ts'
import type { WholeFault } from '../../src/simulate/whole/faults.ts'
import { FAIR_WIRES, type WholeKnobs } from '../../src/simulate/whole/knobs.ts'
import { simulateWhole } from '../../src/simulate/whole/simulate.ts'

/** A hundredfold of what a run takes on an idle machine. */
const TIMEOUT_MS = 60_000
const SEEDS = [1, 2, 3]

/** A cluster that has known each other before, and nothing else that goes wrong. */
const CALM: Partial<WholeKnobs> = {
  isGrown: false,
  timings: PRESETS.loopback,
  network: { wires: FAIR_WIRES, keepAliveMs: 20_000, gossipLossRatio: 0 },
  dieAfterWriteRatio: 0,
  clockDriftRatio: 0,
  fsyncMsMax: 0.5,
  idlePeersCount: 0,
  cancelRatio: 0,
  slotsCount: 4
}

/** What some runs of one plan went through; the seeds differ in nothing but chance. */
async function run(knobs: Partial<WholeKnobs>, faults: readonly WholeFault[]): Promise<WholeCoverage> {
  const sum = emptyWholeCoverage()
  for (const seed of SEEDS) {
    const lines: string[] = []
    const { violation, coverage } = await simulateWhole({ seed, knobs: { ...CALM, ...knobs }, faults, trace: line => lines.push(line) })
    assert.equal(violation, undefined, lines.slice(-60).join('\n'))
    for (const corner of Object.keys(sum) as (keyof WholeCoverage)[]) sum[corner] += coverage[corner]
  }
  return sum
}

describe('a whole cluster, brought where chance seldom leads', function () {
  this.timeout(TIMEOUT_MS)

  it('tells workers that have slept for longer than their lease that their session was given up, and runs each task once at a time', async () => {
    const { leaseMs, electionMs } = PRESETS.loopback
    const forMs = 2 * leaseMs + 4 * electionMs
    const freeze = (peer: number): WholeFault => ({ atMs: 1_500, type: 'freeze', target: { peer, preferOrchestrator: false }, forMs })
    const work = { taskEveryMs: 60, taskLatencyMsMax: 3_000, callEveryMs: 400 }
    // A majority stays awake.
    const coverage = await run({ peersCount: 5, chaosMs: 9_000, ...work }, [freeze(3), freeze(4)])
    assert.ok(coverage.taskAttemptsLost > 0, 'no attempt was given up')
    assert.ok(coverage.taskSessionsBurned > 0, 'no worker was told')
  })

  it('refuses an order that the promise not to run it has overtaken', async () => {
    const halfOpen: WholeFault[] = Array.from({ length: 40 }, (_, index) => ({
      atMs: 2_000 + 100 * index,
      type: 'half-open',
      from: index % 3,
      to: (index + 1) % 3,
      lateMs: 400
    }))
    const coverage = await run({ peersCount: 3, chaosMs: 6_500, taskEveryMs: 0, callEveryMs: 15 }, halfOpen)
    assert.ok(coverage.withdrawals > 0, 'nobody had to promise')
    assert.ok(coverage.withdrawnOrders > 0, 'no order came after the promise')
  })
})
