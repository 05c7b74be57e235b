import assert from 'node:assert/strict'
import { type WhyNot, whyNot } from '../../../src/core/scheduler/why-not.ts'
import type { Decision, Verdict } from '../../../src/model/placement.ts'
import { peerId } from './cluster.ts'

function fitting(name: string, parts: { start?: number; queue?: number } = {}): Verdict {
  const cost = { network: 1, start: 3, pull: 0, queue: 0, run: 96, ...parts }
  return { peer: peerId(name), fits: true, start: 'warm', cost: { ...cost, total: Object.values(cost).reduce((sum, part) => sum + part) } }
}

describe('whyNot', () => {
  const decision: Decision = {
    chosen: peerId('a'),
    verdicts: [
      fitting('a', { queue: 2 }),
      fitting('b'),
      fitting('c', { queue: 50, start: 40 }),
      { peer: peerId('d'), fits: false, reason: 'memory', needed: 2, available: 1 },
      { peer: peerId('e'), fits: false, reason: 'draining' }
    ],
    skipped: 1,
    rejected: { memory: 1, draining: 1 }
  }
  const rows: { peer: string; why: WhyNot }[] = [
    { peer: 'a', why: { type: 'chosen' } },
    { peer: 'b', why: { type: 'not_drawn', byMs: -2 } },
    { peer: 'c', why: { type: 'slower', byMs: 85, because: 'queue' } },
    { peer: 'd', why: { type: 'rejected', reason: 'memory', needed: 2, available: 1 } },
    { peer: 'e', why: { type: 'rejected', reason: 'draining', needed: undefined, available: undefined } },
    { peer: 'f', why: { type: 'not_listed' } }
  ]
  for (const { peer, why } of rows) it(`says of ${peer}: ${why.type}`, () => assert.deepEqual(whyNot(decision, peerId(peer)), why))

  it('explains a choice of nobody', () => {
    assert.equal(whyNot({ ...decision, chosen: null, verdicts: decision.verdicts.slice(3) }, peerId('e')).type, 'rejected')
  })
})
