import assert from 'node:assert/strict'
import type { PeerId } from '../../src/model/ids.ts'
import { MemoryCluster, type MemoryPeer } from './memory-cluster.ts'

describe('an operator removes a peer', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster
  const { signal } = new AbortController()

  beforeEach(() => {
    cluster = new MemoryCluster({})
  })

  afterEach(async () => cluster.stop())

  const members = ({ service }: MemoryPeer): readonly PeerId[] => {
    const { voters, learners } = service.cluster()
    return [...voters, ...learners].toSorted()
  }
  const ids = (peers: readonly MemoryPeer[]): readonly PeerId[] => peers.map(({ id }) => id).toSorted()

  /** Kills a peer, and waits until those that are left take it for gone. */
  async function kill(peer: MemoryPeer): Promise<readonly MemoryPeer[]> {
    await peer.crash()
    const left = cluster.peers.filter(other => other !== peer)
    const stateIn = ({ service }: MemoryPeer): string | undefined => service.peers().find(({ profile }) => profile.id === peer.id)?.state
    await cluster.until(() => left.every(other => stateIn(other) === 'gone'), `${peer.id} to be gone`)
    return left
  }

  it('that is gone, whoever is asked, once and for all; should it come back, it joins again', async () => {
    await cluster.start(3)
    const [lost, asked] = cluster.workers as [MemoryPeer, MemoryPeer]
    const left = await kill(lost)
    assert.deepEqual(await asked.service.removePeer(lost.id, { force: false, signal }), { id: lost.id, name: lost.id, removed: true })
    await cluster.until(() => left.every(peer => members(peer).join() === ids(left).join()), 'two members')
    const { voters, faultTolerance } = asked.service.cluster()
    await cluster.until(() => asked.service.cluster().voters.length === 1, `one voter of two, not ${voters.join()} and ${faultTolerance}`)
    assert.equal((await asked.service.removePeer(lost.id, { force: false, signal })).removed, false)

    await lost.start()
    await cluster.until(() => cluster.peers.every(peer => members(peer).join() === ids(cluster.peers).join()), 'three members again')
  })

  it('that had a vote, and has another voter in its place first', async () => {
    await cluster.start(4)
    const { orchestrator } = cluster
    const { voters, learners } = orchestrator.service.cluster()
    const lost = cluster.peers.find(({ id }) => id !== orchestrator.id && voters.includes(id))
    const [heir] = learners
    assert.ok(lost !== undefined && heir !== undefined)
    await kill(lost)
    await orchestrator.service.removePeer(lost.id, { force: false, signal })
    const now = orchestrator.service.cluster()
    assert.deepEqual(now.voters.toSorted(), [...voters.filter(id => id !== lost.id), heir].toSorted())
    assert.deepEqual(now.learners, [])
  })

  it('but none that is alive, nor the one that is asked, nor the orchestrator, nor one that nobody knows', async () => {
    await cluster.start(3)
    const { orchestrator } = cluster
    const [asked, other] = cluster.workers as [MemoryPeer, MemoryPeer]
    const rejected = async (peer: string, code: string, message: RegExp, force = false): Promise<void> =>
      assert.rejects(asked.service.removePeer(peer, { force, signal }), { code, message })
    await rejected(other.id, 'conflict', /is alive/)
    await rejected(asked.id, 'conflict', /leaves by itself/)
    await rejected(orchestrator.id, 'conflict', /is the orchestrator/, true)
    await rejected('peer-9', 'not_found', /no peer named peer-9/)
    assert.deepEqual(members(asked), ids(cluster.peers))
  })

  it('that is alive by force; it comes back by itself, as it runs on', async () => {
    await cluster.start(3)
    const [asked, other] = cluster.workers as [MemoryPeer, MemoryPeer]
    const joins = (): number => cluster.log.records.filter(({ message }) => message === 'members changed').length
    const before = joins()
    assert.equal((await asked.service.removePeer(other.id, { force: true, signal })).removed, true)
    assert.ok(joins() > before)
    await cluster.until(() => cluster.peers.every(peer => members(peer).join() === ids(cluster.peers).join()), 'three members again')
  })

  it('and is told at once that it cannot while the quorum is lost', async () => {
    await cluster.start(3)
    const [first, second] = cluster.workers as [MemoryPeer, MemoryPeer]
    const { orchestrator } = cluster
    for (const lost of [first, second]) await lost.crash()
    await assert.rejects(orchestrator.service.removePeer(first.id, { force: true, signal }), { code: 'no_quorum' })
  })
})
