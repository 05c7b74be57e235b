import assert from 'node:assert/strict'
import type * as raft from '../../../src/core/consensus/raft.ts'
import type { RaftState } from '../../../src/core/consensus/state.ts'
import { type Committed, lostRole, Proposals } from '../../../src/daemon/agreement/proposals.ts'
import { CaresError } from '../../../src/model/errors.ts'
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
  /** The newest version that every member reads. */
  let readable: number
  const tooNew = new CaresError('incompatible', 'somebody cannot read it')

  beforeEach(() => {
    proposals = new Proposals()
    readable = 1
  })

  function append(term: Term, firstIndex: number): void {
    const { state, propose } = log(term, firstIndex)
    proposals.append(state, 0, propose, version => (version > readable ? tooNew : null))
  }

  it('are answered with what their own entries came to, wherever they stand among those of one moment', async () => {
    const all = [proposals.add(COMMAND, { version: 1, signal }), proposals.add(COMMAND, { version: 1, signal })]
    append(3, 7)
    proposals.applied(committed(8, 3))
    proposals.applied(committed(7, 3))
    assert.deepEqual(await Promise.all(all), [committed(7, 3), committed(8, 3)])
  })

  it('are not acknowledged by an entry of a later leader that has taken their place', async () => {
    const added = proposals.add(COMMAND, { version: 1, signal })
    append(3, 7)
    proposals.applied(committed(7, 4))
    await assert.rejects(added, { code: 'no_orchestrator', message: lostRole().message })
  })

  it('are appended in no other term than the one that they are for', async () => {
    const [late, any] = [proposals.add(COMMAND, { version: 1, term: 3, signal }), proposals.add(COMMAND, { version: 1, signal })]
    append(4, 7)
    proposals.applied(committed(7, 4))
    await assert.rejects(late, { code: 'no_orchestrator' })
    assert.deepEqual(await any, committed(7, 4))
  })

  it('are given up together, whether they are appended yet or not, and when nobody waits any more', async () => {
    const abort = new AbortController()
    const left = proposals.add(COMMAND, { version: 1, signal: abort.signal })
    const appended = proposals.add(COMMAND, { version: 1, signal })
    append(3, 7)
    const pending = proposals.add(COMMAND, { version: 1, signal })
    abort.abort(new DOMException('left', 'AbortError'))
    proposals.rejectAll(lostRole())
    for (const added of [appended, pending]) await assert.rejects(added, { code: 'no_orchestrator' })
    await assert.rejects(left, { code: 'cancelled' })
  })

  it('are refused one by one where a member cannot read them, as the members are when their turn comes', async () => {
    const added = [1, 2, 3].map(version => proposals.add(COMMAND, { version, signal }))
    readable = 2
    append(3, 7)
    assert.equal(proposals.commandVersion, 2, 'what is on its way must be read, too')
    proposals.applied(committed(7, 3))
    proposals.applied(committed(8, 3))
    assert.equal(proposals.commandVersion, 1, 'what is applied is in the tables')
    assert.deepEqual(await Promise.all(added.slice(0, 2)), [committed(7, 3), committed(8, 3)])
    await assert.rejects(Promise.resolve(added[2]), { code: 'incompatible' })
  })
})
