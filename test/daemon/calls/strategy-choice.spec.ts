import assert from 'node:assert/strict'
import type { StrategyStatus } from '../../../src/model/service.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

describe('the strategy that a cluster agrees on', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster
  const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) })
  const strategyOf = (peer: MemoryPeer): StrategyStatus => peer.service.cluster().strategy
  const used = async (peer: MemoryPeer, name: string): Promise<string | undefined> => {
    const { answer } = await peer.call(name, 'x')
    await answer.end
    return (await peer.service.waitFor(answer.invocation, soon())).receipts.at(-1)?.strategy
  }
  const everywhere = (name: string, agreed: boolean): Promise<void> =>
    cluster.until(
      () => cluster.peers.every(peer => strategyOf(peer).name === name && strategyOf(peer).agreed === agreed),
      `${name} everywhere`
    )

  beforeEach(async () => {
    cluster = new MemoryCluster({ upper: input => input.toUpperCase() })
    await cluster.start(3)
    for (const name of ['plain', 'picky']) {
      const placement = name === 'picky' ? { placement: { strategy: 'load-balanced' } as const } : {}
      await cluster.peer(0).service.putFunction({ name, image: 'upper', ...placement }, soon())
    }
    await cluster.until(() => cluster.peers.every(({ service }) => service.functions().length === 2), 'the functions')
  })
  afterEach(() => cluster.stop())

  it('places the next call, whichever peer was told, but not of functions that have their own', async () => {
    assert.deepEqual(strategyOf(cluster.peer(0)), { name: 'cost', objective: 'balanced', agreed: false })
    const [told, other] = cluster.workers as [MemoryPeer, MemoryPeer]
    await told.service.setStrategy({ name: 'greedy' }, soon())
    assert.deepEqual(strategyOf(told), { name: 'greedy', objective: null, agreed: true })
    assert.equal(await used(other, 'plain'), 'greedy')
    assert.equal(await used(other, 'picky'), 'load-balanced')
    await told.service.setStrategy(null, soon())
    await everywhere('cost', false)
    assert.equal(await used(other, 'plain'), 'cost')
  })

  it('outlives an orchestrator and a restart', async () => {
    await cluster.peer(0).service.setStrategy({ name: 'cost', objective: 'cheap' }, soon())
    const first = cluster.orchestrator
    await first.stop()
    const [gateway] = cluster.peers.filter(peer => peer !== first) as [MemoryPeer]
    await cluster.until(() => ![undefined, first.id].includes(gateway.service.cluster().orchestrator?.id), 'another orchestrator')
    const isCheap = (peer: MemoryPeer): boolean => strategyOf(peer).objective === 'cheap' && strategyOf(peer).agreed
    await cluster.until(() => isCheap(gateway), 'the strategy under another orchestrator')
    await first.start()
    await cluster.until(() => isCheap(first), 'the strategy at the peer that is back')
    assert.equal(await used(gateway, 'plain'), 'cost')
  })

  it('is told as an event, once for each change', async () => {
    const { service } = cluster.peer(0)
    for (const strategy of [{ name: 'greedy' }, { name: 'greedy' }, null] as const) await service.setStrategy(strategy, soon())
    const told = service.eventsAfter(0).filter(({ type }) => type === 'strategy:changed')
    assert.deepEqual(
      told.map(({ data }) => data),
      [
        { name: 'greedy', objective: null },
        { name: null, objective: null }
      ]
    )
  })
})
