import assert from 'node:assert/strict'
import type { ClusterUid, PeerId } from '../../src/model/ids.ts'
import { MemoryDisk } from '../../src/simulate/memory-store.ts'
import { emptyHead } from '../../src/store/store-head.ts'
import { MemoryCluster, MemoryPeer } from './memory-cluster.ts'

describe('the life of a peer in a cluster', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster

  beforeEach(() => {
    cluster = new MemoryCluster({
      upper: async (input, { signal }) => {
        await cluster.clock.sleep(50, { signal })
        return input.toUpperCase()
      }
    })
  })

  afterEach(async () => cluster.stop())

  const members = (peer: MemoryPeer): readonly PeerId[] => {
    const { voters, learners } = peer.service.cluster()
    return [...voters, ...learners].toSorted()
  }

  it('can be stopped while it still looks for its cluster, and twice', async () => {
    const peer = new MemoryPeer('lonely' as PeerId, cluster, {}, 'nobody' as PeerId)
    const starting = assert.rejects(peer.start(), { code: 'stopping' })
    await cluster.until(() => cluster.log.records.some(({ message }) => message.startsWith('no peer of the cluster')), 'a try to join')
    await Promise.all([peer.stop(), peer.stop()])
    await starting
    await peer.stop()
  })

  it('goes away and comes back without a failed call, whoever it is', async () => {
    await cluster.start(3)
    await cluster.peer(0).service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    const leaving = cluster.orchestrator
    const [gateway] = cluster.workers as [MemoryPeer]
    const calls: Promise<string>[] = []
    using _ = cluster.clock.every(10, () => {
      const call = gateway.call('upper', 'x').then(({ output }) => output)
      call.catch(() => {}) // Looked at below.
      calls.push(call)
    })
    await cluster.until(() => calls.length > 10, 'calls')
    await leaving.stop()
    const before = calls.length
    await cluster.until(() => calls.length > before + 10, 'calls without it')
    await leaving.start()
    await cluster.until(() => leaving.service.cluster().orchestrator !== null, 'the peer to be back')
    const outputs = await Promise.all(calls)
    assert.deepEqual(new Set(outputs), new Set(['X']))
  })

  it('ends the calls of its own clients before it goes', async () => {
    await cluster.start(2)
    await cluster.peer(0).service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    const gateway = cluster.peer(1)
    await cluster.until(() => gateway.service.functions().length === 1, 'the function to be known')
    const calling = gateway.call('upper', 'last', { on: cluster.peer(0) })
    await cluster.until(() => cluster.peer(0).runtime.use().running === 1, 'the call to run')
    await gateway.stop()
    assert.equal((await calling).output, 'LAST')
  })

  it('leaves for good: the others count without it, also when it led', async () => {
    await cluster.start(3)
    const { orchestrator, workers } = cluster
    const ids = cluster.peers.map(({ id }) => id).toSorted()
    await orchestrator.service.leave({ signal: AbortSignal.timeout(10_000) })
    const rest = ids.filter(id => id !== orchestrator.id)
    await cluster.until(() => workers.every(peer => members(peer).join() === rest.join()), 'two members')
    assert.equal(orchestrator.service.ready().ready, false)
    await workers[0]?.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
  })

  it('may leave as the last one', async () => {
    await cluster.start(1)
    await cluster.peer(0).service.leave({ signal: AbortSignal.timeout(5_000) })
    assert.equal(cluster.peer(0).service.cluster().uid, null)
  })

  it('works on when it could not leave for want of a quorum', async () => {
    await cluster.start(3)
    const [first, ...others] = cluster.peers as [MemoryPeer, ...MemoryPeer[]]
    await first.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    for (const other of others) await other.die()
    await assert.rejects(first.service.leave({ signal: AbortSignal.timeout(500) }), { code: 'timeout' })
    assert.equal((await first.call('upper', 'still')).output, 'STILL')
  })

  it('is told that nobody can let it go without an orchestrator, and then works for the others as before', async () => {
    await cluster.start(3)
    const [, first, other] = cluster.peers as [MemoryPeer, MemoryPeer, MemoryPeer]
    await first.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    cluster.isolate(first)
    const hint = 'stop its process; once there is an orchestrator, from another peer: cares leave PEER'
    await assert.rejects(first.service.leave({ signal: AbortSignal.timeout(15_000) }), { code: 'no_orchestrator', hint })
    const asked = cluster.log.records.filter(({ level, message }) => level === 'info' && message.startsWith('not released yet'))
    assert.equal(asked.length, 1)
    cluster.heal()
    await cluster.until(() => first.service.cluster().orchestrator !== null, 'it to be back')
    const seen = (): string | undefined => other.service.peers().find(({ profile }) => profile.id === first.id)?.state
    await cluster.until(() => seen() === 'alive', 'it to be seen as one that works')
    assert.equal((await other.call('upper', 'still', { on: first })).output, 'STILL')
    await first.service.leave({ signal: AbortSignal.timeout(10_000) })
    await cluster.until(() => !members(other).includes(first.id), 'it to be gone')
  })

  it('takes part with a disk that fails, as far as that goes: functions are answered', async () => {
    await cluster.start(1)
    const peer = cluster.peer(0)
    await peer.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    peer.breakDisk()
    const refused = { code: 'fenced', retryable: true, hint: /^ask another peer/, details: { disk: 'full' } }
    for (const when of ['as it is noticed', 'from then on'])
      await assert.rejects(peer.service.removeFunction('upper', { signal: AbortSignal.timeout(5_000) }), refused, when)
    await assert.rejects(peer.service.tasks.submit({ image: 'upper' }, { signal: AbortSignal.timeout(5_000) }), refused)
    assert.match(peer.service.cluster().fenced ?? '', /^the disk is full/)
    assert.equal((await peer.call('upper', 'on')).output, 'ON')
  })

  it('tells that the quorum is lost, and who takes no part, when the disks of two voters of three have failed', async () => {
    await cluster.start(3)
    const [left, ...failing] = cluster.peers as [MemoryPeer, ...MemoryPeer[]]
    assert.equal(left.service.cluster().faultTolerance, 1)
    for (const peer of failing) peer.breakDisk()
    await assert.rejects(left.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(8_000) }))
    const expected = /quorum is lost: 2 of 3 voters take no part any more \(peer-2, peer-3\), 2 are needed/
    await cluster.until(() => expected.test(left.service.cluster().reason), 'the reason')
    assert.equal(left.service.cluster().faultTolerance, 0)
  })

  it('calls the others by their names after a restart without them, as it does where it says why there is no orchestrator', async () => {
    await cluster.start(3)
    const [left, ...others] = cluster.peers as [MemoryPeer, ...MemoryPeer[]]
    await cluster.until(() => left.service.peers().every(({ state }) => state === 'alive'), 'all to be heard')
    assert.equal(left.service.cluster().names, undefined)
    for (const peer of [...others, left]) await peer.crash()
    await left.start()
    const { names, reason } = left.service.cluster()
    assert.deepEqual(names, Object.fromEntries(others.map(({ id }, index) => [id, `peer-${index + 2}`])))
    assert.match(reason, /\(peer-2, peer-3\)/)
  })

  it('goes on with the cluster that its disk knows, and tells that its seed is of another one', async () => {
    const [seed, peer] = [await cluster.add(), await cluster.add()]
    await peer.stop()
    const configuration = { voters: [peer.id], learners: [] }
    peer.putBack({
      ...new MemoryDisk().contents,
      session: 9,
      cluster: 'c-own' as ClusterUid,
      head: { ...emptyHead(), snapshot: { index: 0, term: 0, configuration } }
    })
    await peer.start()
    await cluster.until(() => peer.service.ready().ready, 'it to work')
    await cluster.until(() => peer.service.alerts().raised.some(({ rule }) => rule === 'other_cluster'), 'the alert')
    assert.match(
      peer.service
        .alerts()
        .raised.map(({ message }) => message)
        .join(),
      /the peers at peer-1 belong to another cluster/
    )
    assert.equal(peer.service.cluster().uid, 'c-own')
    assert.deepEqual(
      seed.service
        .alerts()
        .raised.map(({ rule }) => rule)
        .filter(rule => rule === 'other_cluster'),
      []
    )
  })

  it('takes no part in the cluster on a disk from an old backup, and says why', async () => {
    await cluster.start(3)
    const victim = cluster.workers[0] as MemoryPeer
    const old = victim.backUp()
    const [other] = cluster.peers.filter(peer => peer !== victim) as [MemoryPeer, ...MemoryPeer[]]
    await other.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    // Another life, which the others see: what it promised in that life is not in the backup.
    await victim.crash()
    await victim.start()
    await cluster.until(() => victim.service.cluster().orchestrator !== null, 'it to be back')
    assert.equal(victim.service.cluster().fenced, null, 'a restart alone is no reason')
    await victim.crash()
    victim.putBack(old)
    await victim.start()
    assert.match(victim.service.cluster().fenced ?? '', /old or a copied one/)
    assert.match(victim.service.ready().reason, /old or a copied one/)
    await other.service.removeFunction('upper', { signal: AbortSignal.timeout(5_000) })
  })

  it('takes no part on a disk from an old backup though the one that knows better returns later, from its own disk', async () => {
    await cluster.start(2)
    const [voter, learner] = cluster.peers as [MemoryPeer, MemoryPeer]
    const put = (name: string): Promise<unknown> =>
      voter.service.putFunction({ name, image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
    await voter.stop()
    const old = voter.backUp()
    await voter.start()
    await cluster.until(() => voter.service.cluster().orchestrator?.id === voter.id, 'the orchestrator to be back')
    await put('agreed')
    await cluster.until(() => learner.service.functions().length === 1, 'the learner to know')
    await learner.stop()
    await voter.stop()
    voter.putBack(old)
    await voter.start()
    await cluster.until(() => voter.service.cluster().orchestrator?.id === voter.id, 'the restored one to lead, as nobody knows better')
    // Its log gets longer than the learner's, in the very term that it led before: by their terms the entries look the same.
    for (const name of ['one', 'two', 'three']) await put(name)
    await learner.start()
    await cluster.until(() => voter.service.cluster().fenced !== null, 'its end as orchestrator')
    assert.match(voter.service.cluster().fenced ?? '', /old or a copied one/)
    assert.equal(learner.service.cluster().fenced, null)
    assert.deepEqual(learner.service.functions().filter(({ name }) => name === 'agreed').length, 1)
  })

  it('hands the role over at once when the disk of the orchestrator fails', async () => {
    await cluster.start(3)
    const failing = cluster.orchestrator
    const [other] = cluster.workers as [MemoryPeer, ...MemoryPeer[]]
    failing.breakDisk()
    const { term } = other.service.cluster()
    await assert.rejects(failing.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) }))
    await cluster.until(() => other.service.cluster().term > term && other.service.cluster().orchestrator !== null, 'another orchestrator')
    assert.notEqual(other.service.cluster().orchestrator?.id, failing.id)
    await other.service.putFunction({ name: 'upper', image: 'upper' }, { signal: AbortSignal.timeout(5_000) })
  })
})
