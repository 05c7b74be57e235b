import assert from 'node:assert/strict'
import type { Step } from '../../../src/core/consensus/effects.ts'
import { compacted, extendDeadline, propose, reconfigure, receive, tick, transfer } from '../../../src/core/consensus/raft.ts'
import { EXTENSIONS_MAX, RAFT_LIMITS } from '../../../src/core/consensus/limits.ts'
import { describeSnapshot, isActiveLeader, nextDeadlineMs, type RaftState } from '../../../src/core/consensus/state.ts'
import type { Configuration, ConsensusMessage, EntryId, SnapshotMeta } from '../../../src/model/consensus.ts'
import type { PeerId, Term } from '../../../src/model/ids.ts'
import {
  A,
  acknowledge,
  B,
  C,
  D,
  effectsOf,
  elect,
  entriesOf,
  type MessageOf,
  messageTo,
  peerOf,
  sentTo,
  termsOf,
  THREE,
  TIMINGS
} from './fixtures.ts'

const command = Uint8Array.of(1, 2, 3)

function appendRequest(patch: Partial<MessageOf<'append-request'>>): MessageOf<'append-request'> {
  return { type: 'append-request', term: 5, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1, ...patch }
}

/** An active leader of three with an otherwise empty log. */
function activeLeader(init: Parameters<typeof peerOf>[0] = {}): RaftState {
  const { state } = elect(peerOf(init), [B, C])
  return acknowledge(state, B, state.termStartIndex).state
}

function nowOf(state: RaftState): number {
  return nextDeadlineMs(state) - TIMINGS.heartbeatMs
}

describe('an append request', () => {
  const rows: {
    claim: string
    mine: readonly Term[]
    applied?: number
    gets: { prevIndex: number; prevTerm: Term; terms?: readonly Term[]; commit?: number }
    ok: boolean
    match: number
    log?: readonly Term[]
    truncateFrom?: number
    commit?: number
  }[] = [
    { claim: 'extends an empty log', mine: [], gets: { prevIndex: 0, prevTerm: 0, terms: [1, 1] }, ok: true, match: 2, log: [1, 1] },
    { claim: 'extends a log', mine: [1], gets: { prevIndex: 1, prevTerm: 1, terms: [2] }, ok: true, match: 2, log: [1, 2] },
    { claim: 'is a heartbeat when empty', mine: [1, 2], gets: { prevIndex: 2, prevTerm: 2 }, ok: true, match: 2 },
    { claim: 'does not fit behind the end', mine: [1], gets: { prevIndex: 3, prevTerm: 2, terms: [2] }, ok: false, match: 1 },
    {
      claim: 'does not fit on another term, and skips all of it',
      mine: [1, 2, 2],
      gets: { prevIndex: 3, prevTerm: 3, terms: [3] },
      ok: false,
      match: 1
    },
    {
      claim: 'skips all terms that the leader cannot have',
      mine: [1, 1, 3, 4, 5],
      gets: { prevIndex: 5, prevTerm: 2, terms: [4] },
      ok: false,
      match: 2
    },
    {
      claim: 'replaces what differs, from there on',
      mine: [1, 2, 2],
      gets: { prevIndex: 1, prevTerm: 1, terms: [3] },
      ok: true,
      match: 2,
      log: [1, 3],
      truncateFrom: 2
    },
    {
      claim: 'takes nothing back that is the same, though it is older news',
      mine: [1, 2, 2, 2],
      gets: { prevIndex: 1, prevTerm: 1, terms: [2] },
      ok: true,
      match: 2,
      log: [1, 2, 2, 2]
    },
    {
      claim: 'appends only what is new of an overlap',
      mine: [1, 2],
      gets: { prevIndex: 1, prevTerm: 1, terms: [2, 3] },
      ok: true,
      match: 3,
      log: [1, 2, 3]
    },
    {
      claim: 'commits what the leader says',
      mine: [1, 2],
      gets: { prevIndex: 2, prevTerm: 2, terms: [2], commit: 3 },
      ok: true,
      match: 3,
      log: [1, 2, 2],
      commit: 3
    },
    {
      claim: 'commits nothing beyond what is known to be the same',
      mine: [1, 2, 2],
      gets: { prevIndex: 1, prevTerm: 1, commit: 3 },
      ok: true,
      match: 1,
      commit: 1
    },
    {
      claim: 'that reaches no further than what is committed needs no comparing',
      mine: [1, 2, 2],
      applied: 2,
      gets: { prevIndex: 0, prevTerm: 0, terms: [1] },
      ok: true,
      match: 2,
      commit: 2
    }
  ]
  for (const { claim, mine, applied = 0, gets, ok, match, log = mine, truncateFrom, commit = applied } of rows) {
    it(claim, () => {
      const state = peerOf({ self: B, term: 5, terms: mine, appliedIndex: applied })
      const { prevIndex, prevTerm, terms = [] } = gets
      const entries = entriesOf([...Array.from({ length: prevIndex }, () => 0), ...terms]).slice(prevIndex)
      const step = receive(state, A, appendRequest({ prevIndex, prevTerm, entries, commit: gets.commit ?? 0 }), 10)
      const { ok: wasOk, match: matched } = messageTo(step, A, 'append-response')
      assert.deepEqual({ ok: wasOk, match: matched }, { ok, match })
      assert.deepEqual(termsOf(step.state), log)
      assert.equal(step.state.commitIndex, commit)
      const [persist] = effectsOf(step, 'persist')
      assert.equal(persist?.batch.truncateFrom, truncateFrom)
      const written = persist?.batch.append.map(entry => entry.index) ?? []
      const firstNew = truncateFrom ?? mine.length + 1
      assert.deepEqual(
        written,
        Array.from({ length: Math.max(0, log.length - firstNew + 1) }, (_, offset) => firstNew + offset)
      )
      assert.deepEqual(
        effectsOf(step, 'apply').flatMap(effect => effect.entries.map(entry => entry.index)),
        Array.from({ length: commit - applied }, (_, offset) => applied + 1 + offset)
      )
    })
  }

  it('of an older term is answered with the newer one', () => {
    const step = receive(peerOf({ self: B, term: 6 }), A, appendRequest({ term: 5 }), 10)
    assert.deepEqual(messageTo(step, A, 'append-response'), { type: 'append-response', term: 6, ok: false, match: 0, round: 0 })
    assert.equal(step.state.leader, null)
  })

  it('is answered with the committed entry that it contradicts, and changes nothing', () => {
    const state = peerOf({ self: B, term: 5, terms: [1, 2], appliedIndex: 2 })
    const requests = [
      { prevIndex: 1, prevTerm: 1, entries: [{ index: 2, term: 3, kind: 'noop' }] },
      { prevIndex: 2, prevTerm: 1 }
    ] as const
    for (const request of requests) {
      const step = receive(state, A, appendRequest(request), 10)
      assert.deepEqual(messageTo(step, A, 'append-response'), {
        type: 'append-response',
        term: 5,
        ok: false,
        match: 2,
        round: 1,
        contradicted: { index: 2, term: 2 }
      })
      assert.deepEqual(termsOf(step.state), [1, 2])
    }
  })

  it('is refused as a breach of protocol when it has gaps, or entries of a later term', () => {
    const state = peerOf({ self: B, term: 5, terms: [1, 2], appliedIndex: 2 })
    const breaches = [
      { prevIndex: 2, prevTerm: 2, entries: [{ index: 4, term: 3, kind: 'noop' }] },
      { prevIndex: 2, prevTerm: 2, entries: [{ index: 3, term: 6, kind: 'noop' }] }
    ] as const
    for (const breach of breaches) {
      assert.throws(() => receive(state, A, appendRequest(breach), 10), { code: 'protocol' }, JSON.stringify(breach))
    }
  })

  it('of a second leader in one term is a breach of protocol', () => {
    const { state } = receive(peerOf({ self: B, term: 5 }), A, appendRequest({}), 10)
    assert.throws(() => receive(state, C, appendRequest({}), 10), { code: 'protocol' })
  })
})

describe('a leader', () => {
  it('appends, persists and sends a batch at once, and applies it when a majority has it', () => {
    const leader = activeLeader()
    const proposal = propose(leader, [command, command], nowOf(leader))
    assert.ok(proposal.outcome === 'appended')
    assert.deepEqual([proposal.term, proposal.firstIndex], [1, 2])
    assert.deepEqual(
      proposal.effects.map(({ type }) => type),
      ['persist', 'send', 'send']
    )
    assert.equal(messageTo(proposal, B, 'append-request').entries.length, 2)
    const step = acknowledge(proposal.state, C, 3, nowOf(leader))
    assert.deepEqual(
      effectsOf(step, 'apply').flatMap(effect => effect.entries.map(entry => entry.index)),
      [2, 3]
    )
    assert.equal(messageTo(step, B, 'append-request').commit, 3, 'followers hear of the commit at once')
  })

  it('that is alone applies in the step that persists, after it', () => {
    const state = peerOf({ configuration: { voters: [A], learners: [] } })
    assert.equal(nextDeadlineMs(state), 0)
    const elected = tick(state, 0)
    assert.deepEqual(
      elected.effects.map(({ type }) => type),
      ['persist', 'apply', 'role-changed']
    )
    assert.equal(isActiveLeader(elected.state), true)
    const proposal = propose(elected.state, [command], 10)
    assert.deepEqual(
      proposal.effects.map(({ type }) => type),
      ['persist', 'apply']
    )
  })

  it('refuses proposals, and says why', () => {
    const leader = activeLeader({ limits: { uncommittedEntriesMax: 2, uncommittedBytesMax: 200, commandBytesMax: 150 } })
    const nowMs = nowOf(leader)
    const waiting = propose(leader, [command, command], nowMs).state
    const heavy = propose(leader, [new Uint8Array(150)], nowMs).state
    const reasons = [
      propose(peerOf(), [command], 0),
      propose(elect(peerOf(), [B]).state, [command], nowMs),
      propose(transfer(leader, B, nowMs).state, [command], nowMs),
      propose(leader, [command], nowMs + 1.5 * TIMINGS.electionMs + 1),
      propose(waiting, [command], nowMs),
      propose(heavy, [new Uint8Array(100)], nowMs),
      propose(leader, [new Uint8Array(151)], nowMs)
    ].map(proposal => proposal.outcome === 'refused' && proposal.reason)
    assert.deepEqual(reasons, ['not-leader', 'warming', 'transferring', 'no-quorum', 'full', 'full', 'too-large'])
  })

  it('keeps its appends within the limits of entries and bytes', () => {
    const commands = Array.from({ length: 10 }, () => new Uint8Array(100))
    for (const [limits, counts] of [
      [{ appendEntriesMax: 4 }, [4, 4, 2]],
      [{ appendBytesMax: 300 }, [2, 2, 2, 2, 2]],
      [{ appendBytesMax: 50 }, Array.from({ length: 10 }, () => 1)]
    ] as const) {
      const leader = activeLeader({ limits })
      let step: Step = propose(leader, commands, nowOf(leader))
      const requests = sentTo(step, B, 'append-request')
      const seen: number[] = []
      for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
        if (request.entries.length > 0) seen.push(request.entries.length)
        step = acknowledge(step.state, B, request.prevIndex + request.entries.length, nowOf(leader))
        requests.push(...sentTo(step, B, 'append-request'))
      }
      assert.deepEqual(seen, counts, JSON.stringify(limits))
    }
  })

  it('sends to a silent peer at most four full appends ahead', () => {
    let leader: RaftState = activeLeader({ limits: { appendEntriesMax: 2 } })
    let sent = 0
    for (let round = 0; round < 20; round += 1) {
      const proposal = propose(leader, [command, command], nowOf(leader))
      sent += sentTo(proposal, B, 'append-request').reduce((sum, { entries }) => sum + entries.length, 0)
      leader = proposal.state
    }
    assert.equal(sent, 10)
  })

  it('finds where the logs part, and does not repeat itself while it looks', () => {
    const { state } = elect(peerOf({ term: 3, terms: [1, 1, 2, 2, 3] }), [C])
    const answer = { type: 'append-response', term: state.term, ok: false, match: 2, round: 1 } as const
    const step = receive(state, B, answer, nowOf(state))
    const probe = messageTo(step, B, 'append-request')
    assert.deepEqual([probe.prevIndex, probe.prevTerm, probe.entries.length], [2, 1, 4])
    assert.deepEqual(receive(step.state, B, answer, nowOf(state)).effects, [])
  })

  it('looks no further back than where the logs are known to agree', () => {
    const { state } = elect(peerOf({ term: 3, terms: [1, 1, 2, 2, 3] }), [C])
    const matched = acknowledge(state, B, 3, nowOf(state)).state
    const step = receive(matched, B, { type: 'append-response', term: state.term, ok: false, match: 1, round: 1 }, nowOf(state))
    assert.equal(messageTo(step, B, 'append-request').prevIndex, 3)
  })

  it('knows by an acknowledgement of what it does not have that it has lost it', () => {
    const leader = activeLeader()
    assert.throws(() => acknowledge(leader, B, 99), { code: 'conflict', details: { outdated: true } })
  })

  describe('that hears what it contradicts', () => {
    const rows: [claim: string, contradicted: EntryId, own: boolean][] = [
      ['has lost an entry behind the end of its log', { index: 5, term: 3 }, true],
      ['has lost an entry in whose place it has a later one', { index: 2, term: 2 }, true],
      ['has lost an entry in whose place it has none that is committed', { index: 3, term: 4 }, true],
      ['holds the earlier one of two that are committed: the other peer is wrong', { index: 2, term: 4 }, false],
      ['has that very entry: the other peer is wrong', { index: 2, term: 3 }, false]
    ]
    for (const [claim, contradicted, own] of rows) {
      it(claim, () => {
        // Entries 1 to 3 of terms 1, 3, 3, the first two of them committed, then the no-op of term 5.
        const { state } = elect(peerOf({ term: 4, terms: [1, 3, 3], appliedIndex: 2 }), [B])
        const answer = { type: 'append-response', term: state.term, ok: false, match: 1, round: 1, contradicted } as const
        const expected = own ? { code: 'conflict', details: { outdated: true } } : { code: 'protocol' }
        assert.throws(() => receive(state, B, answer, nowOf(state)), expected)
      })
    }
  })

  it('ignores answers of peers that are no members', () => {
    const leader = activeLeader()
    assert.deepEqual(acknowledge(leader, D, 1).effects, [])
  })
})

describe('a transfer', () => {
  it('tells the other to campaign at once when it has the whole log, and takes no proposals meanwhile', () => {
    const leader = activeLeader()
    const started = transfer(leader, B, nowOf(leader))
    assert.equal(started.outcome, 'started')
    messageTo(started, B, 'timeout-now')
    const taken = receive(peerOf({ self: B, term: 1, terms: [1] }), A, { type: 'timeout-now', term: 1 }, 10)
    assert.equal(taken.state.role, 'candidate')
    assert.equal(messageTo(taken, A, 'vote-request').transfer, true)
  })

  it('waits until the other has caught up', () => {
    const leader = activeLeader()
    const started = transfer(leader, C, nowOf(leader))
    assert.deepEqual(sentTo(started, C, 'timeout-now'), [])
    messageTo(acknowledge(started.state, C, 1, nowOf(leader)), C, 'timeout-now')
  })

  it('ends after one election timeout, and the leader goes on', () => {
    const leader = activeLeader()
    let { state } = transfer(leader, C, nowOf(leader)) as { state: RaftState }
    const endMs = nowOf(leader) + TIMINGS.electionMs
    while (nextDeadlineMs(state) <= endMs) {
      state = acknowledge(state, B, 1, nextDeadlineMs(state)).state
      state = tick(state, nextDeadlineMs(state)).state
    }
    assert.equal(propose(state, [command], endMs).outcome, 'appended')
  })

  it('is refused to whom cannot lead', () => {
    const leader = activeLeader()
    const reasons = [
      transfer(peerOf(), B, 0),
      transfer(leader, A, 0),
      transfer(leader, D, 0),
      transfer(transfer(leader, B, 0).state, C, 0)
    ].map(started => started.outcome === 'refused' && started.reason)
    assert.deepEqual(reasons, ['not-leader', 'not-a-voter', 'not-a-voter', 'transferring'])
  })
})

describe('a change of members', () => {
  const withLearner: Configuration = { voters: [A, B, C], learners: [D] }

  it('counts as soon as it is appended', () => {
    const leader = activeLeader()
    const step = reconfigure(leader, withLearner, nowOf(leader))
    assert.ok(step.outcome === 'appended')
    assert.ok(step.state.progress.some(({ peer }) => peer === D))
    assert.deepEqual(effectsOf(step, 'configuration-changed')[0]?.configuration, withLearner)
  })

  it('is sorted before it is logged', () => {
    const leader = activeLeader()
    const step = reconfigure(leader, { voters: [C, A, B], learners: [D] }, nowOf(leader))
    assert.deepEqual(effectsOf(step, 'configuration-changed')[0]?.configuration, withLearner)
  })

  it('is refused when it is unsound, and says why', () => {
    const leader = activeLeader()
    const nowMs = nowOf(leader)
    const pending = reconfigure(leader, withLearner, nowMs).state
    const reasons = [
      reconfigure(peerOf(), withLearner, 0),
      reconfigure(elect(peerOf(), [B]).state, withLearner, nowMs),
      reconfigure(pending, { voters: [A, B], learners: [C, D] }, nowMs),
      reconfigure(leader, { voters: [A], learners: [B, C] }, nowMs),
      reconfigure(leader, { voters: [A, B, D], learners: [] }, nowMs),
      reconfigure(leader, { voters: [], learners: [A, B, C] }, nowMs),
      reconfigure(leader, { voters: [A, B, C], learners: [C] }, nowMs),
      reconfigure(leader, { voters: [B, A, C], learners: [] }, nowMs)
    ].map(step => step.outcome === 'refused' && step.reason)
    assert.deepEqual(reasons, ['not-leader', 'warming', 'pending', 'two-voters', 'two-voters', 'invalid', 'invalid', 'unchanged'])
  })

  it('is refused when it was thought out for other members than there are', () => {
    const leader = activeLeader()
    const from = { voters: [A, B, C], learners: [D] }
    const step = reconfigure(leader, { voters: [A, B, C], learners: [] }, nowOf(leader), from)
    assert.equal(step.outcome === 'refused' && step.reason, 'outdated')
    assert.equal(reconfigure(leader, withLearner, nowOf(leader), { voters: [C, B, A], learners: [] }).outcome, 'appended')
  })

  it('lets a leader that removed itself go on until that is committed, without counting its own copy', () => {
    const leader = activeLeader()
    const removed = reconfigure(leader, { voters: [B, C], learners: [] }, nowOf(leader))
    const half = acknowledge(removed.state, B, 2, nowOf(leader))
    assert.deepEqual([half.state.role, half.state.commitIndex], ['leader', 1])
    const step = acknowledge(half.state, C, 2, nowOf(leader))
    assert.deepEqual([step.state.role, step.state.commitIndex], ['learner', 2])
  })

  it('is taken back when another leader replaces the entry', () => {
    const state = peerOf({
      self: D,
      configuration: THREE,
      term: 1,
      entries: [{ index: 1, term: 1, kind: 'configuration', configuration: { voters: [A, B, C, D], learners: [] } }]
    })
    assert.equal(state.role, 'follower')
    const step = receive(state, B, appendRequest({ term: 2, entries: [{ index: 1, term: 2, kind: 'noop' }] }), 10)
    assert.deepEqual(effectsOf(step, 'configuration-changed'), [{ type: 'configuration-changed', index: 0, configuration: THREE }])
    assert.equal(step.state.role, 'learner')
  })
})

describe('a snapshot', () => {
  /** The one chunk that this snapshot has, unless `offset` and `bytes` say otherwise. */
  const chunkOf = (snapshot: SnapshotMeta, { offset = 0, bytes = 1, term = 3, checksum = 5 } = {}): ConsensusMessage => {
    const data = Uint8Array.of(9)
    return { type: 'snapshot-request', term, round: 4, snapshot, bytes, checksum, offset, data, dataChecksum: 0 }
  }

  /** A leader whose entries up to 3 are compacted away. */
  function compactedLeader(): RaftState {
    const { state } = elect(peerOf({ term: 1, terms: [1, 1, 1] }), [B])
    const active = acknowledge(state, B, 4).state
    const snapshot = describeSnapshot(active, 3)
    assert.deepEqual(snapshot, { index: 3, term: 1, configuration: THREE })
    return compacted(active, snapshot).state
  }

  it('is what a peer gets that needs compacted entries, once, with heartbeats meanwhile', () => {
    const leader = compactedLeader()
    const mismatch = { type: 'append-response', term: 2, ok: false, match: 0, round: 1 } as const
    const step = receive(leader, C, mismatch, nowOf(leader))
    assert.deepEqual(effectsOf(step, 'send-snapshot'), [{ type: 'send-snapshot', to: C, term: 2, round: 1, at: null }])
    const later = tick(step.state, nextDeadlineMs(step.state))
    assert.deepEqual(effectsOf(later, 'send-snapshot'), [])
    assert.deepEqual([messageTo(later, C, 'append-request').prevIndex, messageTo(later, C, 'append-request').entries], [0, []])
    assert.equal(messageTo(acknowledge(later.state, C, 3), C, 'append-request').entries.length, 1)
  })

  it('is sent again when the peer answers later heartbeats without having it', () => {
    const leader = compactedLeader()
    const step = receive(leader, C, { type: 'append-response', term: 2, ok: false, match: 0, round: 1 }, nowOf(leader))
    const later = { ...step.state, round: 9 }
    assert.deepEqual(effectsOf(acknowledge(later, C, 0, nowOf(leader) + 100), 'send-snapshot'), [])
    assert.equal(effectsOf(acknowledge(later, C, 0, nowOf(leader) + TIMINGS.electionMs + 1), 'send-snapshot').length, 1)
  })

  it('replaces log and configuration, and is acknowledged only after it is restored', () => {
    const configuration = { voters: [A, B, C], learners: [D] }
    const state = peerOf({ self: D, configuration: { voters: [], learners: [] } })
    const step = receive(state, A, chunkOf({ index: 7, term: 2, configuration }), 10)
    assert.deepEqual(
      step.effects.map(({ type }) => type),
      ['persist', 'stage', 'restore', 'send', 'configuration-changed', 'role-changed']
    )
    assert.deepEqual(messageTo(step, A, 'append-response'), { type: 'append-response', term: 3, ok: true, match: 7, round: 4 })
    assert.equal(step.state.commitIndex, 7)
  })

  it('is not restored when the log has all of it already, only committed', () => {
    const state = peerOf({ self: B, term: 3, terms: [1, 2, 2] })
    const snapshot = { index: 2, term: 2, configuration: THREE }
    const step = receive(state, A, chunkOf(snapshot), 10)
    assert.deepEqual(
      step.effects.map(({ type }) => type),
      ['send', 'apply', 'role-changed']
    )
    assert.deepEqual(termsOf(step.state), [1, 2, 2])
  })

  it('arrives in chunks, each of which is on disk before the next one is asked for', () => {
    const snapshot = { index: 7, term: 2, configuration: THREE }
    let state = peerOf({ self: B })
    for (const offset of [0, 1]) {
      const step = receive(state, A, chunkOf(snapshot, { offset, bytes: 3 }), 10)
      const [stage, ...rest] = step.effects.filter(({ type }) => type === 'stage' || type === 'restore' || type === 'send')
      assert.ok(stage?.type === 'stage' && stage.chunk.offset === offset && rest.length === 1, JSON.stringify(step.effects))
      assert.deepEqual(messageTo(step, A, 'snapshot-response'), {
        type: 'snapshot-response',
        term: 3,
        index: 7,
        received: offset + 1,
        round: 4
      })
      assert.equal(step.state.commitIndex, 0, 'it does not count yet')
      state = step.state
    }
    for (const offset of [0, 1]) {
      const again = receive(state, A, chunkOf(snapshot, { offset, bytes: 3 }), 10)
      assert.deepEqual(effectsOf(again, 'stage'), [], 'what is there is not written again')
      assert.equal(messageTo(again, A, 'snapshot-response').received, 2)
    }
    const last = receive(state, A, chunkOf(snapshot, { offset: 2, bytes: 3 }), 10)
    assert.equal(effectsOf(last, 'restore').length, 1)
    assert.equal(messageTo(last, A, 'append-response').match, 7)
    assert.equal(last.state.incoming, null)
  })

  it('goes on after a restart where it was, and starts anew when other bytes are offered', () => {
    const snapshot = { index: 7, term: 2, configuration: THREE }
    const staged = { offer: { snapshot, bytes: 3, checksum: 5 }, received: 2 }
    const state = peerOf({ self: B, staged })
    assert.equal(messageTo(receive(state, A, chunkOf(snapshot, { bytes: 3 }), 10), A, 'snapshot-response').received, 2)
    assert.equal(effectsOf(receive(state, A, chunkOf(snapshot, { offset: 2, bytes: 3 }), 10), 'restore').length, 1)
    for (const other of [
      chunkOf({ ...snapshot, index: 8 }, { offset: 2, bytes: 3 }),
      chunkOf({ ...snapshot, term: 3 }, { offset: 2, bytes: 3 }),
      chunkOf(snapshot, { offset: 2, bytes: 4 }),
      chunkOf(snapshot, { offset: 2, bytes: 3, checksum: 6 })
    ]) {
      const step = receive(state, A, other, 10)
      assert.deepEqual(effectsOf(step, 'stage'), [])
      assert.equal(messageTo(step, A, 'snapshot-response').received, 0)
    }
    const anew = receive(state, A, chunkOf({ ...snapshot, index: 8 }, { bytes: 3 }), 10)
    assert.equal(effectsOf(anew, 'stage')[0]?.chunk.offset, 0)
    assert.equal(anew.state.incoming?.received, 1)
  })

  it('is refused where a chunk is not within it', () => {
    const snapshot = { index: 7, term: 2, configuration: THREE }
    assert.throws(() => receive(peerOf({ self: B }), A, chunkOf(snapshot, { offset: 3, bytes: 3 }), 10), { code: 'protocol' })
  })

  it('is sent on from where the peer says, one chunk at a time', () => {
    const leader = compactedLeader()
    const begun = receive(leader, C, { type: 'append-response', term: 2, ok: false, match: 0, round: 1 }, nowOf(leader)).state
    const has = (state: RaftState, received: number, index = 4): Step =>
      receive(state, C, { type: 'snapshot-response', term: 2, index, received, round: 1 }, nowOf(leader))
    const next = has(begun, 10)
    assert.deepEqual(effectsOf(next, 'send-snapshot')[0]?.at, { index: 4, offset: 10 })
    assert.deepEqual(effectsOf(has(next.state, 10), 'send-snapshot'), [], 'an answer that comes twice')
    assert.deepEqual(effectsOf(has(next.state, 20), 'send-snapshot')[0]?.at, { index: 4, offset: 20 })
    assert.deepEqual(effectsOf(has(next.state, 0), 'send-snapshot')[0]?.at, { index: 4, offset: 0 }, 'the peer has lost what it had')
    const lost = acknowledge({ ...next.state, round: 9 }, C, 0, nowOf(leader) + TIMINGS.electionMs + 1)
    assert.deepEqual(effectsOf(lost, 'send-snapshot')[0]?.at, { index: 4, offset: 10 }, 'the chunk or its answer was lost')
  })

  it('describes only what is committed and not yet compacted', () => {
    const leader = compactedLeader()
    assert.equal(describeSnapshot(leader, 2), undefined)
    assert.equal(describeSnapshot(leader, 5), undefined)
    assert.equal(describeSnapshot(leader, 4)?.term, 2)
    assert.throws(() => compacted(leader, { index: 5, term: 2, configuration: THREE }), { code: 'internal' })
  })
})

describe('an excuse for being late', () => {
  it('puts a campaign off, at most four times in a row', () => {
    let state = peerOf()
    for (let times = 0; times < EXTENSIONS_MAX; times += 1) {
      const dueMs = nextDeadlineMs(state)
      ;({ state } = extendDeadline(state, dueMs, 700))
      assert.equal(nextDeadlineMs(state), dueMs + 700)
    }
    assert.equal(extendDeadline(state, 9_000, 700).state, state)
  })

  it('lets a leader wait for answers that it has not read yet', () => {
    const leader = activeLeader()
    const lateMs = nowOf(leader) + 5_000
    assert.equal(tick(leader, lateMs).state.role, 'follower')
    const excused = extendDeadline(leader, lateMs, 800).state
    assert.equal(tick(excused, lateMs).state.role, 'leader')
    assert.equal(tick(excused, lateMs + 800).state.role, 'follower')
  })
})

describe('the limits', () => {
  it('leave room for a whole command in an append, and for many of them in flight', () => {
    assert.ok(RAFT_LIMITS.commandBytesMax <= RAFT_LIMITS.uncommittedBytesMax)
    assert.ok(RAFT_LIMITS.appendBytesMax <= RAFT_LIMITS.uncommittedBytesMax)
    assert.ok(RAFT_LIMITS.appendEntriesMax <= RAFT_LIMITS.uncommittedEntriesMax)
  })
})

describe('a learner', () => {
  const configuration: Configuration = { voters: [A, B, C], learners: [D] }
  const { heartbeatMs, electionMs } = TIMINGS

  /** When the leader speaks to each of these within ten seconds in which nothing is agreed, in milliseconds since the first. */
  const toldWhile = (start: RaftState, peers: readonly PeerId[]): Map<PeerId, number[]> => {
    const told = new Map<PeerId, number[]>(peers.map(peer => [peer, []]))
    let state = start
    const fromMs = nextDeadlineMs(state)
    for (let nowMs = fromMs; nowMs <= fromMs + 10_000; nowMs = nextDeadlineMs(state)) {
      const step = tick(state, nowMs)
      ;({ state } = step)
      for (const peer of [B, C]) ({ state } = acknowledge(state, peer, 1, nowMs))
      for (const [peer, times] of told) if (sentTo(step, peer, 'append-request').length > 0) times.push(nowMs - fromMs)
    }
    return told
  }
  const led = (): RaftState => {
    let { state } = elect(peerOf({ configuration }), [B, C])
    for (const peer of [B, C]) ({ state } = acknowledge(state, peer, 1))
    return state
  }

  it('that lacks nothing hears of its leader at every fourth heartbeat, a voter at each', () => {
    const told = toldWhile(acknowledge(led(), D, 1).state, [B, D])
    const gaps = (times: readonly number[] = []): number[] => times.slice(1).map((time, i) => time - (times[i] ?? 0))
    assert.deepEqual(new Set(gaps(told.get(B))), new Set([heartbeatMs]))
    assert.deepEqual(new Set(gaps(told.get(D))), new Set([4 * heartbeatMs]))
  })

  it('that has not answered for what it was sent hears of it at each', () => {
    assert.equal(toldWhile(led(), [D]).get(D)?.length, 10_000 / heartbeatMs + 1)
  })

  it('forgets a leader after two and a half election timeouts of silence, and learns no patience from what is usual', () => {
    let state = peerOf({ self: D, configuration, term: 1 })
    const beat = { prevIndex: 0, prevTerm: 0, entries: [], commit: 0, round: 1 }
    for (let nowMs = 0; nowMs <= 8_000; nowMs += 4 * heartbeatMs) {
      ;({ state } = receive(state, B, { type: 'append-request', term: 1, ...beat }, nowMs))
    }
    const waitMs = nextDeadlineMs(state) - 8_000
    assert.ok(waitMs >= 2.5 * electionMs && waitMs < 2.65 * electionMs, String(waitMs))
    const after = tick(state, nextDeadlineMs(state)).state
    assert.deepEqual([after.role, after.leader], ['learner', null])
  })
})
