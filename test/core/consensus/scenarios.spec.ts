import assert from 'node:assert/strict'
import { lastIndex } from '../../../src/core/consensus/log.ts'
import { receive, reconfigure } from '../../../src/core/consensus/raft.ts'
import { nextDeadlineMs, type RaftState } from '../../../src/core/consensus/state.ts'
import type { Configuration, Entry } from '../../../src/model/consensus.ts'
import type { Term } from '../../../src/model/ids.ts'
import { A, acknowledge, B, C, D, E, elect, FIVE, messageTo, peerOf, sentTo, termsOf, TIMINGS } from './fixtures.ts'

describe('figure 7 of the Raft paper', () => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
  const followers: Record<string, Term[]> = {
    'a, which lacks the last entry': [1, 1, 1, 4, 4, 5, 5, 6, 6],
    'b, which lacks many': [1, 1, 1, 4],
    'c, which has one too many of the same term': [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    'd, which has two of a later term': [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    'e, which lacks some and has others too many': [1, 1, 1, 4, 4, 4, 4],
    'f, which missed several leaders': [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]
  }
  for (const [who, terms] of Object.entries(followers)) {
    it(`brings ${who}, to the leader's log in a few rounds`, () => {
      const elected = elect(peerOf({ configuration: FIVE, term: 7, terms: leaderTerms }), [D, E])
      let leader = elected.state
      let follower = peerOf({ self: B, configuration: FIVE, term: 7, terms })
      const requests = sentTo(elected, B, 'append-request')
      let rounds = 0
      for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
        rounds += 1
        const answered = receive(follower, A, request, 2_000)
        follower = answered.state
        const heard = receive(leader, B, messageTo(answered, A, 'append-response'), nextDeadlineMs(leader) - TIMINGS.heartbeatMs)
        leader = heard.state
        requests.push(...sentTo(heard, B, 'append-request'))
      }
      assert.deepEqual(termsOf(follower), [...leaderTerms, 8])
      assert.ok(rounds <= 5, `${rounds} rounds`)
    })
  }
})

describe('figure 8 of the Raft paper', () => {
  // Entry 2 of term 2 is on three of five peers, yet a peer whose log ends in term 3 could still be elected and replace it.
  it('does not commit an entry of an older term by counting its copies', () => {
    const { state } = elect(peerOf({ configuration: FIVE, term: 3, terms: [1, 2], appliedIndex: 1 }), [B, C])
    assert.equal(state.term, 4)
    const counted = acknowledge(acknowledge(state, B, 2).state, C, 2).state
    assert.equal(counted.commitIndex, 1)

    const winner = peerOf({ self: E, configuration: FIVE, term: 4, terms: [1, 3], appliedIndex: 1 })
    const request = { type: 'vote-request', term: 5, pre: false, lastIndex: lastIndex(winner.log), lastTerm: 3, transfer: false } as const
    const voter = peerOf({ self: B, configuration: FIVE, term: 4, terms: [1, 2], appliedIndex: 1 })
    assert.equal(messageTo(receive(voter, E, request, 10), E, 'vote-response').granted, true, 'the danger is real')
  })

  it('commits it together with an entry of its own term, after which that peer cannot win', () => {
    const { state } = elect(peerOf({ configuration: FIVE, term: 3, terms: [1, 2], appliedIndex: 1 }), [B, C])
    const counted = acknowledge(acknowledge(state, B, 3).state, C, 3).state
    assert.equal(counted.commitIndex, 3)

    const request = { type: 'vote-request', term: 5, pre: false, lastIndex: 2, lastTerm: 3, transfer: false } as const
    const voter = peerOf({ self: B, configuration: FIVE, term: 4, terms: [1, 2, 4], appliedIndex: 1 })
    assert.equal(messageTo(receive(voter, E, request, 10), E, 'vote-response').granted, false)
  })
})

describe('the trap of two leaders that change the members (Ongaro, raft-dev, July 2015)', () => {
  /*
   * Four voters. a, leader of term 1, adds e, and only a and e get that entry. b is elected by c and d, and removes d. If b might do that at
   * once, {b, c} would commit it, while {a, d, e} elect a again under the other configuration: two majorities without a common peer.
   */
  const four: Configuration = { voters: [A, B, C, D], learners: [] }
  const addE: Entry = { index: 2, term: 1, kind: 'configuration', configuration: FIVE }
  const first: Entry = { index: 1, term: 1, kind: 'noop' }

  function electB(): RaftState {
    return elect(peerOf({ self: B, configuration: four, term: 1, entries: [first], appliedIndex: 1 }), [C, D]).state
  }

  it('is the danger that it is said to be: d would elect a after b changed the members with c alone', () => {
    const d = peerOf({ self: D, configuration: four, term: 2, entries: [first], appliedIndex: 1 })
    const a = peerOf({ configuration: four, term: 2, entries: [first, addE], appliedIndex: 1 })
    const request = { type: 'vote-request', term: 3, pre: false, lastIndex: lastIndex(a.log), lastTerm: 1, transfer: false } as const
    assert.equal(messageTo(receive(d, A, request, 10), A, 'vote-response').granted, true)
  })

  it('is avoided: a new leader changes nothing before an entry of its term is committed', () => {
    const b = electB()
    const removeD: Configuration = { voters: [A, B, C], learners: [] }
    const early = reconfigure(b, removeD, nextDeadlineMs(b) - TIMINGS.heartbeatMs)
    assert.deepEqual([early.outcome, early.outcome === 'refused' && early.reason], ['refused', 'warming'])

    const half = acknowledge(b, C, 2).state
    assert.equal(half.commitIndex, 1, 'two of four are no majority')
    const active = acknowledge(half, D, 2).state
    assert.equal(reconfigure(active, removeD, nextDeadlineMs(b) - TIMINGS.heartbeatMs).outcome, 'appended')

    const d = peerOf({ self: D, configuration: four, term: 2, entries: [first, { index: 2, term: 2, kind: 'noop' }], appliedIndex: 1 })
    const request = { type: 'vote-request', term: 3, pre: false, lastIndex: 2, lastTerm: 1, transfer: false } as const
    assert.equal(messageTo(receive(d, A, request, 10), A, 'vote-response').granted, false, 'a lost the votes of all who have the no-op')
  })
})

describe('a voter whose disk was restored from a backup', () => {
  /*
   * a votes alone, b learns. What a agreed on in term 2 (entries 3 to 5) is not in the backup. So a leads term 2 a second time, or term 4 where b
   * has made it step down, and nobody's vote is in the way: only b knows.
   */
  const lone: Configuration = { voters: [A], learners: [B] }
  const later = [1, 1, 2, 2, 2]
  for (const [claim, term] of [
    ['in the term that it has led before', 1],
    ['in a later one', 3]
  ] as const) {
    it(`hears from its learner, ${claim}, that it has lost what was agreed, before it has the learner drop it`, () => {
      const elected = elect(peerOf({ configuration: lone, term, terms: [1, 1], appliedIndex: 2 }), [])
      let leader = elected.state
      let learner = peerOf({ self: B, configuration: lone, term: 2, terms: later, appliedIndex: 5 })
      const requests = sentTo(elected, B, 'append-request')
      assert.throws(
        () => {
          for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
            const answered = receive(learner, A, request, 2_000)
            learner = answered.state
            const heard = receive(leader, B, messageTo(answered, A, 'append-response'), nextDeadlineMs(leader) - TIMINGS.heartbeatMs)
            leader = heard.state
            requests.push(...sentTo(heard, B, 'append-request'))
          }
        },
        { code: 'conflict', details: { outdated: true } }
      )
      assert.deepEqual(termsOf(learner), later)
    })
  }
})
