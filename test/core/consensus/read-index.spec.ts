import assert from 'node:assert/strict'
import { propose, readIndex, receive, transfer } from '../../../src/core/consensus/raft.ts'
import { isActiveLeader, isAnswered } from '../../../src/core/consensus/state.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import { A, B, C, messageTo, THREE } from './fixtures.ts'
import { Stage } from './stage.ts'

const peers = [A, B, C]
const command = Uint8Array.of(1)

function led(): { stage: Stage; leader: PeerId; others: readonly PeerId[] } {
  const stage = new Stage(peers, () => THREE)
  stage.run(2_000)
  const leader = peers.find(peer => isActiveLeader(stage.state(peer)))
  assert.ok(leader !== undefined)
  return { stage, leader, others: peers.filter(peer => peer !== leader) }
}

function ask(stage: Stage, peer: PeerId): { index: number; round: number } {
  const asked = stage.step(peer, readIndex)
  assert.ok(asked.outcome === 'asked', asked.outcome)
  return asked
}

describe('a question of how much is agreed', () => {
  it('is answered by one round to the voters, without a new entry', () => {
    const { stage, leader } = led()
    stage.step(leader, (state, nowMs) => propose(state, [command], nowMs))
    stage.run(50)
    const { commitIndex } = stage.state(leader)
    const { index, round } = ask(stage, leader)
    assert.equal(isAnswered(stage.state(leader), round), false, 'nobody has answered yet')
    stage.run(2)
    assert.equal(isAnswered(stage.state(leader), round), true)
    assert.deepEqual([index, stage.state(leader).commitIndex], [commitIndex, commitIndex])
  })

  it('is not answered by what voters have said before it was put', () => {
    const { stage, leader, others } = led()
    // Their answers to the last heartbeat are in; nothing reaches them from now on.
    stage.partition(others)
    const { round } = ask(stage, leader)
    stage.run(300)
    assert.equal(stage.state(leader).role, 'leader', 'it has not noticed yet')
    assert.equal(isAnswered(stage.state(leader), round), false)
  })

  it('is never answered by a leader that others have replaced, however much it believes in itself', () => {
    const { stage, leader, others } = led()
    stage.partition(others)
    stage.run(900)
    const { index, round } = ask(stage, leader)
    stage.run(3_000)
    const next = others.find(peer => isActiveLeader(stage.state(peer)))
    assert.ok(next !== undefined)
    assert.ok(stage.state(next).commitIndex > index)
    stage.heal()
    stage.run(3_000)
    assert.equal(isAnswered(stage.state(leader), round), false)
  })

  it('is not answered by what a voter says to a message that its leader sent in an earlier term', () => {
    const { stage, leader, others } = led()
    const [voter] = others
    assert.ok(voter !== undefined)
    const { term } = stage.state(leader)
    const late = { type: 'append-request', term: term - 1, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1_000 } as const
    const answer = messageTo(receive(stage.state(voter), leader, late, stage.nowMs), leader, 'append-response')
    assert.equal(answer.term, term)
    stage.partition(others)
    const { round } = ask(stage, leader)
    stage.step(leader, (state, nowMs) => receive(state, voter, answer, nowMs))
    assert.equal(isAnswered(stage.state(leader), round), false)
  })

  it('is answered at once by a lone voter', () => {
    const stage = new Stage([A], () => ({ voters: [A], learners: [] }))
    stage.run(100)
    const { round } = ask(stage, A)
    assert.equal(isAnswered(stage.state(A), round), true)
  })

  it('is refused by who does not lead, has lost touch, or hands over', () => {
    const { stage, leader, others } = led()
    const [other] = others
    assert.ok(other !== undefined)
    const reasonOf = (peer: PeerId): string => {
      const asked = stage.step(peer, readIndex)
      return asked.outcome === 'refused' ? asked.reason : asked.outcome
    }
    assert.equal(reasonOf(other), 'not-leader')
    stage.step(leader, (state, nowMs) => transfer(state, other, nowMs))
    assert.equal(reasonOf(leader), 'transferring')
  })

  it('is refused by a new leader that has not committed an entry of its own: it does not know what its predecessor acknowledged', () => {
    const { stage, leader, others } = led()
    stage.kill(leader)
    let next: PeerId | undefined
    for (let i = 0; i < 5_000 && next === undefined; i++) {
      stage.run(1)
      next = others.find(peer => stage.state(peer).role === 'leader')
    }
    assert.ok(next !== undefined && !isActiveLeader(stage.state(next)))
    const asked = stage.step(next, readIndex)
    assert.equal(asked.outcome === 'refused' && asked.reason, 'warming')
  })
})
