import assert from 'node:assert/strict'
import type { Command } from '../../../src/model/command.ts'
import { CaresError } from '../../../src/model/errors.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerService } from '../../../src/model/service.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

/** In the version that comes next, strategies can be agreed on. */
const versionOf = ({ type }: Command): number => (type === 'strategy-set' ? 2 : 1)

describe('a cluster whose peers read commands of different versions', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster
  /** The newest version that each peer reads; 2 for those that are not in it. */
  let reads: Map<string, number>
  const signal = new AbortController().signal

  beforeEach(() => {
    reads = new Map()
    cluster = new MemoryCluster({}, { versionOf, machineOf: id => ({ profile: { commandVersion: reads.get(id) ?? 2 } }) })
  })

  afterEach(async () => cluster.stop())

  const useNew = async ({ service }: { service: PeerService }): Promise<void> =>
    service.setStrategy({ name: 'greedy' }, { signal: cluster.clock.timeout(5_000) })
  const drain = async (through: MemoryPeer, peer: MemoryPeer): Promise<void> => through.service.setDraining(peer.id, true, { signal })
  const strategies = (): (string | undefined)[] => cluster.peers.map(({ service }) => service.cluster().strategy.name)

  async function upgrade(peer: MemoryPeer): Promise<void> {
    await peer.stop()
    reads.delete(peer.id)
    await peer.start()
    await cluster.until(
      () => cluster.peers.every(({ service }) => heardOf(service, peer.id)?.commandVersion === 2),
      'the upgrade is heard of'
    )
  }

  function heardOf(service: PeerService, peer: PeerId): { readonly commandVersion?: number | undefined } | undefined {
    return service.peers().find(({ profile, state }) => profile.id === peer && state === 'alive')?.profile
  }

  it('agrees on nothing that one of them cannot read, says whom to upgrade, and does once that is done', async () => {
    reads.set('peer-3', 1)
    await cluster.start(3)
    const old = cluster.peer(2)
    for (const peer of cluster.peers) {
      await assert.rejects(useNew(peer), (err: unknown) => {
        assert.ok(err instanceof CaresError)
        assert.equal(err.code, 'incompatible')
        assert.match(err.message, /peer-3 runs an older version/)
        assert.match(err.hint ?? '', /upgrade peer-3/)
        return true
      })
    }
    // What it can read goes on.
    await drain(old, cluster.peer(1))
    await upgrade(old)
    await useNew(old)
    await cluster.until(() => strategies().every(name => name === 'greedy'), 'all have agreed')
  })

  it('says so, too, when it is the orchestrator that is older than the peer which is asked', async () => {
    reads.set('peer-1', 1)
    await cluster.start(2)
    assert.equal(cluster.orchestrator.id, 'peer-1')
    await assert.rejects(useNew(cluster.peer(1)), { code: 'incompatible', message: /peer-1 runs an older version/ })
  })

  it('lets no peer in that cannot read what is agreed already', async () => {
    await cluster.start(1)
    await useNew(cluster.peer(0))
    reads.set('peer-2', 1)
    await assert.rejects(cluster.add(), { code: 'incompatible', message: /commands of version 2, the joining peer reads up to 1/ })
    const { voters, learners } = cluster.peer(0).service.cluster()
    assert.deepEqual([...voters, ...learners], ['peer-1'])
  })

  it('does not wait for a member that is gone and has no vote; that one stops when it comes back, and says why', async () => {
    reads.set('peer-4', 1)
    await cluster.start(4)
    const old = cluster.peer(3)
    await cluster.until(() => cluster.orchestrator.service.cluster().learners.includes(old.id), 'it has no vote')
    await old.crash()
    const others = cluster.peers.slice(0, 3)
    await cluster.until(
      () => others.every(({ service }) => service.peers().find(({ profile: { id } }) => id === old.id)?.state === 'gone'),
      'it is gone'
    )
    await assert.rejects(useNew(cluster.orchestrator), { code: 'incompatible' }, 'it may have been gone for a moment only')
    await cluster.until(() => {
      void useNew(cluster.orchestrator).catch(() => {})
      return others.every(({ service }) => service.cluster().strategy.name === 'greedy')
    }, 'the others agree without it')
    await old.start()
    await cluster.until(() => old.service.cluster().fenced !== null, 'it has stopped taking part')
    assert.match(old.service.cluster().fenced ?? '', /runs an older version of CARES/)
  })
})
