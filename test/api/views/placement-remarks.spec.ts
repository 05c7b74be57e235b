import assert from 'node:assert/strict'
import { priceRemarks, quoteRemarks } from '../../../src/api/views/placement-remarks.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { Verdict } from '../../../src/model/placement.ts'
import type { Quoted } from '../../../src/model/service.ts'
import { sampleFunction, sampleReceipt } from '../../support/samples.ts'

const name = (id: string) => ({ id, name: id })
const cost = { network: 1, start: 0, pull: 0, queue: 0, run: 40, total: 41 }

/** Of peers with these prices, all of which can have the work. */
function verdictsOf(prices: Readonly<Record<string, number>>): readonly Verdict[] {
  return Object.entries(prices).map(([peer, usdPerHour]) => ({
    peer: peer as PeerId,
    fits: true,
    start: 'warm',
    cost,
    terms: { usdPerHour, usd: 0, cpuLoad: 0, memoryLoad: 0, cpuShare: 0, turn: 0, place: 0 }
  }))
}

describe('remarks on prices', () => {
  const cases: readonly (readonly [string, string, 'cheap' | 'latency', Record<string, number>, readonly string[]])[] = [
    ['names a peer that switches them off', 'cost', 'cheap', { ana: 0, ben: 2, cy: 1 }, ['prices do not count: ana states none']],
    ['names several', 'cost', 'cheap', { ana: 0, ben: 0, cy: 1 }, ['prices do not count: ana and ben state none']],
    ['says nothing where all state one', 'cost', 'cheap', { ana: 1, ben: 2 }, []],
    ['says nothing where nobody states one', 'cost', 'cheap', { ana: 0, ben: 0 }, []],
    ['says nothing where only time was to count', 'cost', 'latency', { ana: 0, ben: 2 }, []],
    ['says nothing where the strategy does not look at money', 'greedy', 'cheap', { ana: 0, ben: 2 }, []]
  ]
  for (const [title, strategy, objective, prices, expected] of cases) {
    it(title, () => assert.deepEqual(priceRemarks({ strategy, objective, verdicts: verdictsOf(prices) }, name), expected))
  }

  it('passes over peers that cannot have the work, whose price does not matter', () => {
    const verdicts: readonly Verdict[] = [
      ...verdictsOf({ ben: 2, cy: 1 }),
      { peer: 'ana' as PeerId, fits: false, reason: 'memory', needed: 2, available: 1 }
    ]
    assert.deepEqual(priceRemarks({ strategy: 'cost', objective: 'cheap', verdicts }, name), [])
  })
})

describe('remarks on a quote', () => {
  const quoted = (changes: Partial<Quoted>, samples = 2, prices: Record<string, number> = { ana: 1, ben: 2 }): readonly string[] =>
    quoteRemarks(
      {
        function: sampleFunction(),
        inputBytes: 0,
        strategy: 'cost',
        objective: 'balanced',
        estimate: { ...sampleReceipt().estimate, samples },
        decision: { chosen: 'ana' as PeerId, verdicts: verdictsOf(prices), skipped: 0, rejected: {} },
        refusal: '',
        isForeseeable: true,
        ...changes
      },
      name
    )

  it('tell that a limit is not applied before so many runs are known', () => {
    assert.deepEqual(quoted({ limitSamples: 3 }), ['limit not applied yet: fewer than 3 runs are known'])
    assert.deepEqual(quoted({ limitSamples: 3 }, 3), [])
    assert.deepEqual(quoted({}), [])
  })

  it('tell that who is next is not known here, where there is a choice', () => {
    const turns = { strategy: 'round-robin', isForeseeable: false } as const
    assert.deepEqual(quoted(turns), ['round-robin: not foreseeable here, as only the orchestrator knows whose turn it is'])
    assert.deepEqual(quoted(turns, 2, { ana: 1 }), [])
    assert.deepEqual(quoted({ ...turns, isForeseeable: true }), [])
  })
})
