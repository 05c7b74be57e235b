import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { otherOrchestrator, stateOf, voters } from './states.ts'

/** Long past every time-out of the preset `loopback`. */
const FROZEN_MS = 5_000
/** A call that meets the silence of a frozen peer waits for it to be noticed, no longer. */
const ANSWERED_WITHIN_MS = 10_000
const SOME = 20

describe('SIGSTOP', () => {
  it('of the orchestrator: calls go on meanwhile, and when it thaws it does not act on what it was', async () => {
    const cluster = await Cluster.start()
    try {
      const history = new History(cluster)
      const frozen = await voters(cluster, 3)
      await upload(cluster, frozen, history.countingFunction)
      const others = cluster.alive.filter(peer => peer !== frozen)
      const [asked] = others
      assert.ok(asked)
      await using clients = startClients(history, () => others)
      await clients.answered(SOME)

      const { term } = await stateOf(frozen)
      frozen.signal('SIGSTOP')
      // The kernel takes these: the peer reads them when it thaws, while it still believes that it leads.
      const late = Promise.all([history.upload(frozen), history.upload(frozen), history.call(frozen)])
      await otherOrchestrator(asked, frozen)
      await clients.answered(SOME)
      await sleep(FROZEN_MS)
      frozen.signal('SIGCONT')
      await late
      const orchestrator = await cluster.settled()
      await clients.answered(SOME)
      await clients.stop()

      assert.notEqual(orchestrator, frozen)
      assert.ok((await stateOf(frozen)).term > term)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      const slow = history.operations.filter(({ through, tookMs }) => through !== frozen.name && tookMs > ANSWERED_WITHIN_MS)
      assert.deepEqual(slow, [])
    } finally {
      frozenPeersThaw(cluster)
      await cluster.stop()
    }
  })

  it('of a worker: calls go on, and it is welcomed back', async () => {
    const cluster = await Cluster.start()
    try {
      const history = new History(cluster)
      const orchestrator = await voters(cluster, 3)
      await upload(cluster, orchestrator, history.countingFunction)
      const frozen = cluster.alive.find(peer => peer !== orchestrator)
      assert.ok(frozen)
      const others = cluster.alive.filter(peer => peer !== frozen)
      await using clients = startClients(history, () => others)
      await clients.answered(SOME)
      const { term } = await stateOf(orchestrator)
      frozen.signal('SIGSTOP')
      await clients.answered(SOME)
      await sleep(FROZEN_MS)
      await clients.answered(SOME)
      frozen.signal('SIGCONT')
      assert.equal(await cluster.settled(), orchestrator, 'its return deposes nobody')
      await clients.stop()
      assert.equal((await stateOf(orchestrator)).term, term)
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
    } finally {
      frozenPeersThaw(cluster)
      await cluster.stop()
    }
  })
})

function frozenPeersThaw(cluster: Cluster): void {
  for (const peer of cluster.alive) peer.signal('SIGCONT')
}
