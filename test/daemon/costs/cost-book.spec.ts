import assert from 'node:assert/strict'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import { costOf } from '../../../src/daemon/costs/cost-book.ts'
import { createRandom } from '../../../src/model/random.ts'
import { peerId, requestOf, viewOf } from '../../core/scheduler/cluster.ts'
import { sampleInvocation, sampleReceipt } from '../../support/samples.ts'

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12

describe('what a call is counted as', () => {
  const cases: readonly (readonly [state: 'succeeded' | 'failed', failed: number, succeeded: number])[] = [
    ['succeeded', 0, 1],
    ['failed', 1, 0]
  ]
  for (const [state, failed, succeeded] of cases) {
    it(`${state}: only those that succeeded have a regret`, () => {
      assert.partialDeepStrictEqual(costOf(sampleInvocation({ state }), undefined), { calls: 1, failed, succeeded })
    })
  }
})

describe('what a call was quoted', () => {
  const worker = peerId('oak')
  const view = viewOf('oak', { profile: { usdPerHour: 3.6 } })
  const table = new PlacementTable(peerId('gateway'))
  table.sync([view], 0)
  // So much input that the way to the peer takes long.
  const request = requestOf({ inputBytes: 2 ** 30 })
  const decision = place(request, table, { random: createRandom(1), strategy: COST, kappa: 1 })
  const { cpus, memoryBytes } = request
  const { chosen, expected, verdicts, skipped, rejected } = decision
  const kept = { chosen, expected, verdicts, skipped, rejected }
  const quoted = (changes: Partial<typeof decision>): number => {
    const receipt = sampleReceipt({ cpus, memoryBytes, decision: { ...kept, ...changes } })
    return costOf(sampleInvocation({ worker, receipts: [receipt] }), view.profile).quotedUsd
  }

  it('is the money that its placement went by, without the time on the network, which the bill does not hold either', () => {
    const [verdict] = decision.verdicts
    assert.ok(verdict?.fits === true && verdict.cost.network > 1_000)
    assert.ok((verdict.terms?.usd ?? 0) > 0)
    assert.ok(near(quoted({}), verdict.terms?.usd ?? 0))
  })

  it('is the same where an older peer has placed it', () => {
    assert.ok(near(quoted({ expected: undefined }), decision.expected?.usd ?? 0))
  })
})
