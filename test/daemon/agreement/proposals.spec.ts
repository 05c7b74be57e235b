import assert from 'node:assert/strict'
import type * as raft from '../../../src/core/consensus/raft.ts'
import type { RaftState } from '../../../src/core/consensus/state.ts'
import { type Committed, lostRole, Proposals } from '../../../src/daemon/agreement/proposals.ts'
import type { PeerId, Term } from '../../../src/model/ids.ts'

const PEER = 'birch' as PeerId
const COMMAND = Uint8Array.of(1)

/** What an index of the log came to hold. */
function committed(index: number, term: Term): Committed {
  return { outcome: { type: 'drain-set', peer: PEER, draining: true }, index, term }
}

/** Consensus that puts whatever is proposed at the end of its log, in this term. */
function log(term: Term, firstIndex: number): { readonly state: RaftState; readonly propose: typeof raft.propose } {
  const state = { term, leader: PEER } as RaftState
  return { state, propose: () => ({ state, effects: [], outcome: 'appended', term, firstIndex }) }
}

describe('Proposals', () => {
  const signal = new AbortController().signal
  let proposals: Proposals

  beforeEach(() => {
    proposals = new Proposals()
  })

  function append(term: Term, firstIndex: number): void {
    const { state, propose } = log(term, firstIndex)
    proposals.append(state, 0, propose)
  }

  it('are answered with what their own entries came to, wherever they stand among those of one moment', async () => {
    const all = [proposals.add(COMMAND, { signal }), proposals.add(COMMAND, { signal })]
    append(3, 7)
    proposals.applied(committed(8, 3))
    proposals.applied(committed(7, 3))
    assert.deepEqual(await Promise.all(all), [committed(7, 3), committed(8, 3)])
  })

  it('are not acknowledged by an entry of a later leader that has taken their place', async () => {
    const added = proposals.add(COMMAND, { signal })
    append(3, 7)
    proposals.applied(committed(7, 4))
    await assert.rejects(added, { code: 'no_orchestrator', message: lostRole().message })
  })

  it('are appended in no other term than the one that they are for', async () => {
    const [late, any] = [proposals.add(COMMAND, { term: 3, signal }), proposals.add(COMMAND, { signal })]
    append(4, 7)
    proposals.applied(committed(7, 4))
    await assert.rejects(late, { code: 'no_orchestrator' })
    assert.deepEqual(await any, committed(7, 4))
  })

  it('are given up together, whether they are appended yet or not, and when nobody waits any more', async () => {
    const abort = new AbortController()
    const left = proposals.add(COMMAND, { signal: abort.signal })
    const appended = proposals.add(COMMAND, { signal })
    append(3, 7)
    const pending = proposals.add(COMMAND, { signal })
    abort.abort(new DOMException('left', 'AbortError'))
    proposals.rejectAll(lostRole())
    for (const added of [appended, pending]) await assert.rejects(added, { code: 'no_orchestrator' })
    await assert.rejects(left, { code: 'cancelled' })
  })
})
