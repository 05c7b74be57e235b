import assert from 'node:assert/strict'
import { gpusOf, meets } from '../../../src/model/labels.ts'
import { couldEndInTime, couldFit } from '../../../src/core/scheduler/could-fit.ts'
import { place } from '../../../src/core/scheduler/place.ts'
import { PlacementTable } from '../../../src/core/scheduler/placement-table.ts'
import { COST } from '../../../src/core/scheduler/strategies/cost.ts'
import type { PlacementRequest } from '../../../src/model/placement.ts'
import { createRandom } from '../../../src/model/random.ts'
import { peerId, requestOf, viewOf } from './cluster.ts'

describe('constraints on labels', () => {
  const labels = { zone: 'eu', gpu: '', 'site/room': '4=b' }
  for (const [constraint, met] of [
    ['zone=eu', true],
    ['zone=us', false],
    ['zone!=us', true],
    ['zone!=eu', false],
    ['gpu', true],
    ['gpu=', true],
    ['tpu', false],
    ['tpu=', false],
    ['tpu!=v4', true],
    ['site/room=4=b', true],
    ['toString', false],
    ['', false],
    ['=x', false]
  ] as const) {
    it(`${JSON.stringify(constraint)} is ${met ? '' : 'not '}met`, () => assert.equal(meets(labels, [constraint]), met))
  }

  it('are met only together', () => {
    assert.equal(meets(labels, ['zone=eu', 'gpu']), true)
    assert.equal(meets(labels, ['zone=eu', 'tpu']), false)
    assert.equal(meets({}, []), true)
  })
})

describe('where a call may run and what it may cost', () => {
  const estimate = { runMs: 3_600_000, coldStartMs: 0, warmStartMs: 0, outputBytes: 0, samples: 10 }
  const decide = (request: Partial<PlacementRequest>) => {
    const table = new PlacementTable(peerId('self'))
    const views = [
      viewOf('dear', { profile: { usdPerHour: 0.8, labels: { zone: 'eu' } } }),
      viewOf('cheap', { profile: { usdPerHour: 0.4, labels: { zone: 'us' } } })
    ]
    table.sync(views, 0)
    const wanted = requestOf({ imageBytes: 0, deadlineMs: 1e9, estimate, ...request })
    return { decision: place(wanted, table, { random: createRandom(1), strategy: COST, kappa: 1 }), table, wanted }
  }

  it('refuses peers without a required label, and does not wait for them', () => {
    const { decision } = decide({ require: ['zone=eu'] })
    assert.equal(decision.chosen, 'dear')
    assert.deepEqual(decision.rejected, { labels: 1 })
    const [, refused] = decide({ require: ['zone', 'zone=eu'] }).decision.verdicts
    assert.deepEqual(refused, { peer: 'cheap', fits: false, reason: 'labels', constraint: 'zone=eu' }, 'the first that is not met')
    const { table, wanted } = decide({ require: ['zone=mars'] })
    assert.equal(couldFit(wanted, table), false)
  })

  for (const [deadlineMs, expected] of [
    [1, false],
    [1_700_000, false],
    [1_900_000, true]
  ] as const) {
    it(`${expected ? 'may' : 'can never'} end an hour of work within ${deadlineMs} ms, however busy the peers are`, () => {
      const { table, wanted } = decide({ deadlineMs })
      table.sync([viewOf('dear', { stats: { cpusUsed: 8 } }), viewOf('cheap', { stats: { cpusUsed: 8 } })], 0)
      assert.equal(couldEndInTime(wanted, table), expected)
      assert.equal(couldEndInTime({ ...wanted, estimate: { ...estimate, samples: 0 } }, table), true, 'who knows')
      assert.equal(couldEndInTime({ ...wanted, pinnedTo: peerId('nobody') }, table), false)
    })
  }

  it('refuses peers that have fewer GPUs, before any label', () => {
    const { decision, table, wanted } = decide({ gpus: 3, require: ['gpu'] })
    assert.equal(decision.chosen, null)
    assert.deepEqual(decision.rejected, { gpus: decision.verdicts.length })
    assert.equal(couldFit(wanted, table), false)
  })

  it('refuses peers of another architecture and names both, whoever has come to their places since', () => {
    const { decision, table, wanted } = decide({ arch: 'arm64' })
    assert.equal(decision.chosen, null)
    assert.equal(couldFit(wanted, table), false, 'there is nothing to wait for')
    table.sync([viewOf('strong', { profile: { arch: 'arm64' } })], 0)
    const [, ...others] = [...decision.verdicts, ...place(wanted, table, { random: createRandom(1), strategy: COST, kappa: 1 }).verdicts]
    assert.deepEqual(decision.verdicts, [
      { peer: 'cheap', fits: false, reason: 'wrong_arch', arch: { image: 'arm64', peer: 'amd64' } },
      { peer: 'dear', fits: false, reason: 'wrong_arch', arch: { image: 'arm64', peer: 'amd64' } }
    ])
    assert.deepEqual([others.at(-1)?.peer, others.at(-1)?.fits], ['strong', true])
    assert.equal(couldFit(wanted, table), true)
  })

  it('reads how many GPUs a peer has from its label', () => {
    assert.deepEqual([gpusOf({}), gpusOf({ gpu: '2' }), gpusOf({ gpu: 'yes' })], [0, 2, Number.POSITIVE_INFINITY])
  })

  it('refuses peers that are dearer than the call may be, with both amounts', () => {
    // A quarter of the machine for an hour.
    const { decision } = decide({ maxCostUsd: 0.15 })
    assert.equal(decision.chosen, 'cheap')
    const verdict = decision.verdicts.find(({ peer }) => peer === 'dear')
    assert.ok(verdict?.fits === false && verdict.reason === 'budget')
    assert.deepEqual([verdict.needed?.toFixed(4), verdict.available], ['0.2000', 0.15])
    assert.equal(decide({ maxCostUsd: 0.05 }).decision.chosen, null)
  })

  it('does not refuse for a cost that is only a guess', () => {
    assert.notEqual(decide({ maxCostUsd: 0.000_1, estimate: { ...estimate, samples: 2 } }).decision.chosen, null)
  })
})
