import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { leaderLost, receive, tick } from '../../../src/core/consensus/raft.ts'
import { isActiveLeader, nextDeadlineMs, type RaftState } from '../../../src/core/consensus/state.ts'
import type { PeerId, Term } from '../../../src/model/ids.ts'
import {
  A,
  acknowledge,
  B,
  C,
  D,
  E,
  effectsOf,
  elect,
  FIVE,
  type MessageOf,
  messageTo,
  peerOf,
  sentTo,
  THREE,
  TIMINGS
} from './fixtures.ts'

/** `state` after it has heard `leader` at `nowMs`, in its own term. */
function following(state: RaftState, leader: PeerId, nowMs: number): RaftState {
  const heartbeat = { prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1 }
  return receive(state, leader, { type: 'append-request', term: state.term, ...heartbeat }, nowMs).state
}

describe('granting a vote', () => {
  const rows: {
    claim: string
    mine?: { term?: Term; votedFor?: PeerId | null; terms?: readonly Term[]; hears?: boolean }
    asks: Partial<MessageOf<'vote-request'>> & { term: Term }
    granted: boolean | 'no answer'
    persisted?: { term: Term; votedFor: PeerId | null }
    answerTerm?: Term
  }[] = [
    { claim: 'grants to the first who asks', asks: { term: 1 }, granted: true, persisted: { term: 1, votedFor: B } },
    { claim: 'grants again to the same', mine: { term: 1, votedFor: B }, asks: { term: 1 }, granted: true },
    { claim: 'refuses a second candidate', mine: { term: 1, votedFor: C }, asks: { term: 1 }, granted: false },
    {
      claim: 'is free again in a later term',
      mine: { term: 1, votedFor: C },
      asks: { term: 2 },
      granted: true,
      persisted: { term: 2, votedFor: B }
    },
    { claim: 'refuses an older term, and says which it is', mine: { term: 3 }, asks: { term: 2 }, granted: false, answerTerm: 3 },
    {
      claim: 'refuses a log that ends in an older term, and adopts the term all the same',
      mine: { term: 2, terms: [2] },
      asks: { term: 3, lastTerm: 1, lastIndex: 9 },
      granted: false,
      persisted: { term: 3, votedFor: null },
      answerTerm: 3
    },
    {
      claim: 'refuses a shorter log of the same term',
      mine: { term: 1, terms: [1, 1] },
      asks: { term: 2, lastTerm: 1, lastIndex: 1 },
      granted: false,
      persisted: { term: 2, votedFor: null }
    },
    {
      claim: 'grants to a shorter log of a later term',
      mine: { term: 2, terms: [1, 1] },
      asks: { term: 3, lastTerm: 2, lastIndex: 1 },
      granted: true,
      persisted: { term: 3, votedFor: B }
    },
    { claim: 'does not answer while it hears a leader', mine: { term: 1, hears: true }, asks: { term: 2 }, granted: 'no answer' },
    {
      claim: 'grants though it hears a leader, if that leader asked for it',
      mine: { term: 1, hears: true },
      asks: { term: 2, transfer: true },
      granted: true,
      persisted: { term: 2, votedFor: B }
    },
    { claim: 'grants a pre-vote without writing or adopting anything', asks: { term: 1, pre: true }, granted: true, answerTerm: 1 },
    {
      claim: 'grants a pre-vote though it has voted in the present term',
      mine: { term: 1, votedFor: C },
      asks: { term: 2, pre: true },
      granted: true,
      answerTerm: 2
    },
    {
      claim: 'refuses a pre-vote for a term that it is in',
      mine: { term: 2 },
      asks: { term: 2, pre: true },
      granted: false,
      answerTerm: 2
    },
    {
      claim: 'refuses a pre-vote to a shorter log',
      mine: { term: 1, terms: [1] },
      asks: { term: 2, pre: true },
      granted: false,
      answerTerm: 1
    },
    {
      claim: 'does not answer a pre-vote while it hears a leader',
      mine: { term: 1, hears: true },
      asks: { term: 2, pre: true },
      granted: 'no answer'
    }
  ]
  for (const { claim, mine = {}, asks, granted, persisted, answerTerm } of rows) {
    it(claim, () => {
      const { hears = false, ...init } = mine
      const peer = peerOf(init)
      const state = hears ? following(peer, C, 100) : peer
      const request = { type: 'vote-request', pre: false, lastIndex: 0, lastTerm: 0, transfer: false, ...asks } as const
      const step = receive(state, B, request, 200)
      if (granted === 'no answer') {
        assert.deepEqual(step, { state, effects: [] })
        return
      }
      const answer = messageTo(step, B, 'vote-response')
      assert.equal(answer.granted, granted)
      assert.equal(answer.term, answerTerm ?? step.state.term)
      assert.deepEqual(effectsOf(step, 'persist').at(0)?.batch.hardState, persisted)
    })
  }

  it('remembers its vote over a restart', () => {
    const restarted = peerOf({ term: 4, votedFor: C })
    const request = { type: 'vote-request', term: 4, pre: false, lastIndex: 9, lastTerm: 3, transfer: false } as const
    assert.equal(messageTo(receive(restarted, B, request, 10), B, 'vote-response').granted, false)
  })

  it('knocks in vain for one election timeout after the leader was heard, and no longer', () => {
    const state = following(peerOf({ term: 1 }), C, 100)
    const request = { type: 'vote-request', term: 2, pre: false, lastIndex: 0, lastTerm: 0, transfer: false } as const
    assert.deepEqual(receive(state, B, request, 100 + TIMINGS.electionMs - 1).effects, [])
    assert.equal(messageTo(receive(state, B, request, 100 + TIMINGS.electionMs), B, 'vote-response').granted, true)
  })
})

describe('campaigning', () => {
  it('asks with a pre-vote first, which changes nothing on disk', () => {
    const state = peerOf()
    const step = tick(state, nextDeadlineMs(state))
    assert.equal(step.state.role, 'pre-candidate')
    assert.equal(step.state.term, 0)
    assert.deepEqual(effectsOf(step, 'persist'), [])
    assert.equal(messageTo(step, B, 'vote-request').pre, true)
    assert.equal(messageTo(step, C, 'vote-request').term, 1)
  })

  it('persists its term and its own vote before it asks for votes', () => {
    const state = peerOf()
    const asked = tick(state, nextDeadlineMs(state)).state
    const step = receive(asked, B, { type: 'vote-response', term: 1, pre: true, granted: true }, 2_000)
    assert.equal(step.state.role, 'candidate')
    assert.equal(step.effects[0]?.type, 'persist')
    assert.deepEqual(effectsOf(step, 'persist')[0]?.batch.hardState, { term: 1, votedFor: A })
    assert.equal(messageTo(step, C, 'vote-request').pre, false)
  })

  it('gives up when a majority refuses', () => {
    const state = peerOf({ term: 1 })
    let { state: asked } = tick(state, nextDeadlineMs(state))
    asked = receive(asked, B, { type: 'vote-response', term: 1, pre: true, granted: false }, 2_000).state
    assert.equal(asked.role, 'pre-candidate')
    asked = receive(asked, C, { type: 'vote-response', term: 1, pre: true, granted: false }, 2_000).state
    assert.equal(asked.role, 'follower')
  })

  it('does not count the same vote twice, nor votes of other rounds and terms', () => {
    const state = peerOf({ configuration: FIVE, term: 1 })
    let { state: asked } = tick(state, nextDeadlineMs(state))
    const answer = (from: PeerId, term: Term, pre: boolean): void => {
      asked = receive(asked, from, { type: 'vote-response', term, pre, granted: true }, 2_000).state
    }
    answer(B, 2, true)
    answer(B, 2, true)
    answer(D, 1, false)
    assert.equal(asked.role, 'pre-candidate')
    answer(E, 2, true)
    assert.equal(asked.role, 'candidate')
  })

  it('follows a leader that was quicker', () => {
    const state = peerOf({ term: 1 })
    const asked = tick(state, nextDeadlineMs(state)).state
    const after = following(asked, B, 2_000)
    assert.equal(after.role, 'follower')
    assert.equal(after.leader, B)
  })

  it('never happens to a learner, which only forgets the silent leader', () => {
    const learner = following(peerOf({ self: D, configuration: { ...THREE, learners: [D] }, term: 1 }), A, 100)
    assert.equal(learner.role, 'learner')
    const step = tick(learner, nextDeadlineMs(learner))
    assert.deepEqual(step.effects, [{ type: 'role-changed', role: 'learner', leader: null, term: 1, active: false }])
    assert.ok(nextDeadlineMs(step.state) > nextDeadlineMs(learner))
    assert.equal(receive(step.state, A, { type: 'timeout-now', term: 1 }, 9_000).state.role, 'learner')
  })

  it('comes to each voter in its turn, so that no two of them campaign at once', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.tuple(random, random, random, random), draws => {
        const heirs = [A, B, D, E].map((self, place) => {
          const state = following({ ...peerOf({ self, configuration: FIVE, term: 1 }), random: () => draws[place] ?? 0 }, C, 1_000)
          return { bySilence: nextDeadlineMs(state), byHint: nextDeadlineMs(leaderLost(state, C, 1_100).state) }
        })
        for (const [place, heir] of heirs.entries()) {
          const next = heirs[place + 1]
          if (next === undefined) break
          assert.ok(next.bySilence - heir.bySilence >= 99, 'the votes of one are in before the next asks for them')
          assert.ok(next.byHint - heir.byHint >= 99)
        }
      })
    )
  })

  it('comes as many turns later as its rank slot says', () => {
    const delays = [0, 1, 4, 9].map(rankSlot => nextDeadlineMs(following(peerOf({ rankSlot }), B, 1_000)))
    const base = delays[0] ?? 0
    assert.deepEqual(
      delays.map(delay => Math.round(delay - base)),
      [0, 250, 1_000, 1_000]
    )
  })

  it('comes by lot where nobody leads, so that a voter that cannot win is not always the first', () => {
    const afterDraw = (self: PeerId, draw: number): RaftState => ({
      ...peerOf({ self, term: 1, rankSlot: self === C ? 4 : 0 }),
      random: () => draw
    })
    const dueMs = (state: RaftState): number => nextDeadlineMs(tick(state, 3_000).state)
    assert.ok(dueMs(afterDraw(A, 0.9)) > dueMs(afterDraw(C, 0.1)))
    const heardDueMs = (state: RaftState): number => nextDeadlineMs(following(state, B, 1_000))
    assert.ok(heardDueMs(afterDraw(A, 0.9)) < heardDueMs(afterDraw(C, 0.1)), 'the leader has been heard')
  })

  it('is still the duty of a voter whose removal may not be committed', () => {
    // Only `a` has the entry that makes `b` the one voter: `b` alone can commit it, and `a` alone can bring it.
    const removed = peerOf({
      configuration: { voters: [A, B], learners: [] },
      term: 1,
      entries: [{ index: 1, term: 1, kind: 'configuration', configuration: { voters: [B], learners: [A] } }]
    })
    const leader = elect(removed, [B]).state
    const step = acknowledge(leader, B, 2)
    assert.equal(step.state.commitIndex, 2)
    assert.equal(step.state.role, 'learner')
    assert.equal(sentTo(step, B, 'append-request').at(-1)?.commit, 2)
  })
})

describe('a hint that the leader is lost', () => {
  const state = following(peerOf({ term: 1 }), B, 1_000)

  it('brings the campaign forward, to a moment soon', () => {
    const dueMs = nextDeadlineMs(leaderLost(state, B, 1_100).state)
    assert.ok(dueMs >= 1_150 && dueMs < 1_200, String(dueMs))
  })

  it('ends stickiness', () => {
    const request = { type: 'vote-request', term: 2, pre: true, lastIndex: 0, lastTerm: 0, transfer: false } as const
    const step = receive(leaderLost(state, B, 1_100).state, C, request, 1_101)
    assert.equal(messageTo(step, C, 'vote-response').granted, true)
  })

  it('means nothing when it is about another peer', () => {
    assert.deepEqual(leaderLost(state, C, 1_100), { state, effects: [] })
  })

  it('is forgotten when the leader speaks again', () => {
    const heard = following(leaderLost(state, B, 1_100).state, B, 1_101)
    assert.equal(heard.leader, B)
    assert.ok(nextDeadlineMs(heard) >= 2_201)
  })
})

describe('a new leader', () => {
  it('is warming until its no-op is committed', () => {
    const { state } = elect(peerOf({ term: 4, terms: [3, 3] }), [B])
    assert.equal(isActiveLeader(state), false)
    const step = acknowledge(state, B, 3)
    assert.equal(isActiveLeader(step.state), true)
    assert.deepEqual(effectsOf(step, 'role-changed').at(-1), { type: 'role-changed', role: 'leader', leader: A, term: 5, active: true })
    assert.equal(
      step.effects.findIndex(({ type }) => type === 'apply') < step.effects.findIndex(({ type }) => type === 'role-changed'),
      true
    )
  })

  it('steps down when it hears of a later term', () => {
    const { state } = elect(peerOf(), [B])
    const step = receive(state, C, { type: 'append-response', term: 7, ok: false, match: 0, round: 0 }, nextDeadlineMs(state))
    assert.equal(step.state.role, 'follower')
    assert.deepEqual(effectsOf(step, 'persist')[0]?.batch.hardState, { term: 7, votedFor: null })
  })

  it('steps down when no majority has answered for 1.5 election timeouts, and accepts nothing before it notices', () => {
    let { state } = elect(peerOf({ configuration: FIVE }), [B, C])
    const electedMs = nextDeadlineMs(state) - TIMINGS.heartbeatMs
    state = acknowledge(state, B, 1, electedMs + 1_000).state
    for (let beats = 0; beats < 20 && state.role === 'leader'; beats += 1) ({ state } = tick(state, nextDeadlineMs(state)))
    assert.equal(state.role, 'follower')
    assert.equal(state.leader, null)
    const deposedMs = state.deadlineMs
    assert.ok(
      deposedMs > electedMs + 1_500 + TIMINGS.electionMs && deposedMs < electedMs + 1_700 + 2 * TIMINGS.electionMs,
      String(deposedMs - electedMs)
    )
  })
})

describe('patience', () => {
  const { heartbeatMs, electionMs } = TIMINGS
  const waits = (state: RaftState, nowMs: number): number => nextDeadlineMs(state) - nowMs
  const asksAt = (state: RaftState, nowMs: number): boolean =>
    sentTo(
      receive(state, C, { type: 'vote-request', term: 2, pre: true, lastIndex: 0, lastTerm: 0, transfer: false }, nowMs),
      C,
      'vote-response'
    ).length > 0

  it('is none where the leader is never silent for long', () => {
    let state = following(peerOf({ term: 1 }), B, 0)
    for (let nowMs = heartbeatMs; nowMs < 60_000; nowMs += heartbeatMs) state = following(state, B, nowMs)
    assert.ok(waits(state, 59_800) < 2 * electionMs)
    assert.equal(asksAt(state, 59_800 + electionMs), true)
  })

  it('is learned from a silence that the leader outlived, by the candidate and by the voter, and is forgotten again', () => {
    let state = following(following(peerOf({ term: 1 }), B, 0), B, 1_300)
    const excessMs = 1_300 - 2 * heartbeatMs
    assert.ok(waits(state, 1_300) >= electionMs + excessMs)
    assert.equal(asksAt(state, 1_300 + electionMs + 800), false, 'the vote of one who knows that it may be nothing')
    assert.equal(asksAt(state, 1_300 + electionMs + excessMs), true)
    for (let nowMs = 1_500; nowMs <= 40_000; nowMs += heartbeatMs) state = following(state, B, nowMs)
    assert.ok(waits(state, 39_900) < 2 * electionMs + 200)
  })

  it('is learned though this peer has asked for votes meanwhile', () => {
    const state = following(peerOf({ term: 1 }), B, 0)
    const asking = tick(state, nextDeadlineMs(state)).state
    assert.equal(asking.role, 'pre-candidate')
    const nowMs = nextDeadlineMs(state) + 100
    assert.ok(waits(following(asking, B, nowMs), nowMs) >= electionMs + nowMs - 2 * heartbeatMs)
  })

  it('is bounded, and never for a leader whose connection has closed, nor learned from the silence before another leader', () => {
    const long = following(following(peerOf({ term: 1 }), B, 0), B, 60_000)
    assert.ok(waits(long, 60_000) < 4 * electionMs)
    const lost = leaderLost(long, B, 60_100).state
    assert.ok(waits(lost, 60_100) < electionMs / 2)
    assert.equal(asksAt(lost, 60_100), true)
    const back = following(lost, B, 65_000)
    assert.ok(waits(back, 65_000) < 4 * electionMs - (5_000 - 100) / 30, 'nothing is learned from a silence that was explained')
    const first = following(peerOf({ term: 1 }), B, 0)
    const later = receive(first, C, { type: 'append-request', term: 2, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1 }, 1_900)
    assert.ok(waits(later.state, 1_900) < 2 * electionMs)
  })
})
