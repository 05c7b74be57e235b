import assert from 'node:assert/strict'
import { TaskStoreCheck } from '../../../src/daemon/agreement/task-store-check.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerProfile } from '../../../src/model/peer.ts'

const [A, B, C] = ['atlas', 'birch', 'cedar'] as [PeerId, PeerId, PeerId]
const LOG = { kind: 'log', id: null } as const

function says(id: PeerId, taskStore?: PeerProfile['taskStore'], taskStoreId?: string): Parameters<TaskStoreCheck['heard']>[0] {
  return { id, taskStore, taskStoreId }
}

describe('a peer that keeps tasks elsewhere than its cluster', () => {
  it('is told so by the founder alone, when it joins, and what to start it with', () => {
    const refused = new TaskStoreCheck({ kind: 'postgres', id: 'db-1' }).heard(says(A, 'log'), [A])
    assert.equal(refused?.code, 'invalid')
    assert.equal(refused.message, 'this peer keeps tasks in a PostgreSQL database, and its cluster in the replicated log')
    assert.equal(refused.hint, 'start it with --task-store log')
    assert.match(new TaskStoreCheck(LOG).heard(says(A, 'postgres'), [A])?.hint ?? '', /--task-store postgres/)
  })

  it('is contradicted by a majority of the voters, not by one that is itself wrong', () => {
    const check = new TaskStoreCheck(LOG)
    const voters = [A, B, C]
    assert.equal(check.heard(says(A, 'postgres'), voters), null)
    assert.equal(check.heard(says(A, 'postgres'), voters), null, 'the same one again')
    assert.equal(check.heard(says(C, 'log'), voters), null)
    assert.equal(check.heard(says(B, 'postgres'), voters)?.code, 'invalid')
  })

  it('does not count those that have changed, vote no more, or do not say it', () => {
    const check = new TaskStoreCheck(LOG)
    check.heard(says(A, 'postgres'), [A, B, C])
    check.heard(says(A, 'log'), [A, B, C])
    assert.equal(check.heard(says(B, 'postgres'), [A, B, C]), null)
    assert.equal(check.heard(says(C, 'postgres'), [A, C, 'drake' as PeerId]), null)
    assert.equal(new TaskStoreCheck(LOG).heard(says(A), [A]), null)
  })

  it('is told so when both are databases, and not the same one', () => {
    const voters = [A, B, C]
    const check = new TaskStoreCheck({ kind: 'postgres', id: 'db-1' })
    assert.equal(check.heard(says(A, 'postgres', 'db-1'), voters), null)
    assert.equal(check.heard(says(B, 'postgres', 'db-2'), voters), null, 'one of three')
    assert.equal(check.heard(says(C, 'postgres'), voters), null, 'one that has not reached its database')
    const refused = check.heard(says(C, 'postgres', 'db-2'), voters)
    assert.equal(refused?.message, 'this peer keeps tasks in another PostgreSQL database than its cluster')
    assert.match(refused.hint ?? '', /the cluster's --task-store-url/)
  })

  it('is found out when its database is reached at last', () => {
    const own: { kind: 'postgres'; id: string | null } = { kind: 'postgres', id: null }
    const check = new TaskStoreCheck(own)
    assert.equal(check.heard(says(A, 'postgres', 'db-2'), [A]), null)
    own.id = 'db-1'
    assert.equal(check.heard(says(A, 'postgres', 'db-2'), [A])?.code, 'invalid')
  })
})
