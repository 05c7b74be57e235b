import assert from 'node:assert/strict'
import {
  DRAIN_EVERY_MS,
  nextLeader,
  PREFER_EVERY_MS,
  SETTLE_MS,
  STEADY_MS,
  type SuccessionReview
} from '../../../src/core/consensus/succession.ts'
import { type MemberHealth, PROMOTE_LAG_MAX } from '../../../src/core/consensus/voters.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { A, B, C, D } from './fixtures.ts'

const nowMs = 10_000_000

/** A leads for long among A, B and C; all are healthy. */
function decide(health: Partial<Record<'a' | 'b' | 'c' | 'd', Partial<MemberHealth>>>, changes: Partial<SuccessionReview> = {}): string {
  const review: SuccessionReview = {
    self: A,
    configuration: { voters: [A, B, C], learners: [D] },
    health: new Map([A, B, C, D].map(id => [id, { state: 'alive', sinceMs: 0, lag: 0, ...health[id as string as 'a'] }])),
    draining: new Set(),
    sinceMs: 0,
    askedAtMs: Number.NEGATIVE_INFINITY,
    nowMs,
    ...changes
  }
  return nextLeader(review)?.to ?? 'stays'
}

const preferred = { standing: 'preferred' } as const
const reluctant = { standing: 'reluctant' } as const
const draining = { draining: new Set([A]) }

describe('the choice of a better leader', () => {
  const rows: [claim: string, decision: string, expected: string][] = [
    ['stays where it is among equals', decide({}), 'stays'],
    ['goes to a voter that its operator prefers', decide({ c: preferred }), 'c'],
    ['does not go to a learner', decide({ d: preferred }), 'stays'],
    ['goes from a reluctant leader to any other voter', decide({ a: reluctant, b: reluctant }), 'c'],
    ['stays with a preferred one', decide({ a: preferred, b: preferred }), 'stays'],
    ['waits for an heir that is steady', decide({ c: { ...preferred, sinceMs: nowMs - STEADY_MS + 1 } }), 'stays'],
    ['waits for an heir that has the log', decide({ c: { ...preferred, lag: PROMOTE_LAG_MAX + 1 } }), 'stays'],
    ['does not go to one that is suspect', decide({ c: { ...preferred, state: 'suspect' } }), 'stays'],
    ['leaves a new leader alone', decide({ c: preferred }, { sinceMs: nowMs - SETTLE_MS + 1 }), 'stays'],
    ['does not ask again soon', decide({ c: preferred }, { askedAtMs: nowMs - PREFER_EVERY_MS + 1 }), 'stays'],
    ['asks again later', decide({ c: preferred }, { askedAtMs: nowMs - PREFER_EVERY_MS }), 'c'],
    [
      'goes from a leader that drains, at once',
      decide({ b: { sinceMs: nowMs - 1 }, c: { sinceMs: nowMs } }, { ...draining, sinceMs: nowMs }),
      'b'
    ],
    ['does not go to another one that drains', decide({}, { draining: new Set([A, B]) }), 'c'],
    ['stays where all drain', decide({}, { draining: new Set<PeerId>([A, B, C]) }), 'stays'],
    ['does not ask all the time while it drains', decide({}, { ...draining, askedAtMs: nowMs - DRAIN_EVERY_MS + 1 }), 'stays']
  ]
  for (const [claim, decision, expected] of rows) it(claim, () => assert.equal(decision, expected))
})
