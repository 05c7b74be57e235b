import assert from 'node:assert/strict'
import { TaskStoreCheck } from '../../src/daemon/task-store-check.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { PeerProfile } from '../../src/model/peer.ts'

const [A, B, C] = ['atlas', 'birch', 'cedar'] as [PeerId, PeerId, PeerId]

function says(id: PeerId, taskStore?: PeerProfile['taskStore']): Pick<PeerProfile, 'id' | 'taskStore'> {
  return { id, taskStore }
}

describe('a peer that keeps tasks elsewhere than its cluster', () => {
  it('is told so by the founder alone, when it joins, and what to start it with', () => {
    const refused = new TaskStoreCheck('postgres').heard(says(A, 'log'), [A])
    assert.equal(refused?.code, 'invalid')
    assert.equal(refused.message, 'this peer keeps tasks in a PostgreSQL database, and its cluster in the replicated log')
    assert.equal(refused.hint, 'start it with --task-store log')
    assert.match(new TaskStoreCheck('log').heard(says(A, 'postgres'), [A])?.hint ?? '', /--task-store postgres/)
  })

  it('is contradicted by a majority of the voters, not by one that is itself wrong', () => {
    const check = new TaskStoreCheck('log')
    const voters = [A, B, C]
    assert.equal(check.heard(says(A, 'postgres'), voters), null)
    assert.equal(check.heard(says(A, 'postgres'), voters), null, 'the same one again')
    assert.equal(check.heard(says(C, 'log'), voters), null)
    assert.equal(check.heard(says(B, 'postgres'), voters)?.code, 'invalid')
  })

  it('does not count those that have changed, vote no more, or do not say it', () => {
    const check = new TaskStoreCheck('log')
    check.heard(says(A, 'postgres'), [A, B, C])
    check.heard(says(A, 'log'), [A, B, C])
    assert.equal(check.heard(says(B, 'postgres'), [A, B, C]), null)
    assert.equal(check.heard(says(C, 'postgres'), [A, C, 'drake' as PeerId]), null)
    assert.equal(new TaskStoreCheck('log').heard(says(A), [A]), null)
  })
})
