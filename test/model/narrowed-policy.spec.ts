import assert from 'node:assert/strict'
import type { CallPolicy, PlacementPolicy } from '../../src/model/function.ts'
import { narrowedPolicy } from '../../src/model/narrowed-policy.ts'

const cases: readonly { claim: string; own?: PlacementPolicy; asked?: CallPolicy; both: PlacementPolicy | undefined }[] = [
  { claim: 'leaves a function as it is that nothing is asked of', own: { strategy: 'greedy' }, both: { strategy: 'greedy' } },
  { claim: 'says nothing where nobody does', both: undefined },
  { claim: 'takes what only the call says', asked: { maxCostUsd: 1, require: ['gpu'] }, both: { maxCostUsd: 1, require: ['gpu'] } },
  {
    claim: 'keeps the lower of two budgets, the function\u2019s',
    own: { maxCostUsd: 1 },
    asked: { maxCostUsd: 2 },
    both: { maxCostUsd: 1 }
  },
  { claim: 'keeps the lower of two budgets, the call\u2019s', own: { maxCostUsd: 3 }, asked: { maxCostUsd: 2 }, both: { maxCostUsd: 2 } },
  {
    claim: 'wants the labels of both, each once',
    own: { require: ['gpu', 'zone=eu'] },
    asked: { require: ['zone=eu', 'ssd'] },
    both: { require: ['gpu', 'zone=eu', 'ssd'] }
  },
  {
    claim: 'places by cost whoever names an objective',
    own: { strategy: 'predictive', require: ['gpu'] },
    asked: { objective: 'cheap' },
    both: { strategy: 'cost', objective: 'cheap', require: ['gpu'] }
  },
  {
    claim: 'keeps the function\u2019s own aim where the call names none',
    own: { strategy: 'cost', objective: 'latency' },
    asked: { maxCostUsd: 1 },
    both: { strategy: 'cost', objective: 'latency', maxCostUsd: 1 }
  }
]

describe('what a function says of placement, and its call', () => {
  for (const { claim, own, asked, both } of cases) {
    it(claim, () => assert.deepEqual(narrowedPolicy(own, asked), both))
  }
})
