import assert from 'node:assert/strict'
import { Cluster, upload } from '../e2e/cluster.ts'
import { startClients } from './clients.ts'
import { History } from './history.ts'
import { voters } from './states.ts'

/** So many operations of clients happen before and after each fault. */
const SOME = 20

describe('kill -9', () => {
  it('of the orchestrator, of another voter, and of all at once: nothing acknowledged is lost, nothing starts twice', async () => {
    const cluster = await Cluster.start()
    try {
      const history = new History(cluster)
      const orchestrator = await voters(cluster, 3)
      await upload(cluster, orchestrator, history.countingFunction)
      await using clients = startClients(history, () => cluster.alive)
      await clients.answered(SOME)

      await orchestrator.crash()
      await cluster.settled()
      await clients.answered(SOME)
      await cluster.add(orchestrator.name)

      const second = await voters(cluster, 3)
      const follower = cluster.alive.find(peer => peer !== second)
      assert.ok(follower)
      await follower.crash()
      await cluster.settled()
      await clients.answered(SOME)
      await cluster.add(follower.name)
      await voters(cluster, 3)

      const names = cluster.alive.map(({ name }) => name)
      await Promise.all(cluster.alive.map(peer => peer.crash()))
      for (const name of names) await cluster.add(name)
      await voters(cluster, 3)
      await clients.answered(SOME)
      await clients.stop()

      await cluster.knows('counting')
      assert.deepEqual(await history.contradictions(cluster), [])
      assert.deepEqual(history.untried(), [])
      assert.ok(history.count('call', 'ok') >= 2 * SOME, `only ${history.count('call', 'ok')} calls succeeded`)
      assert.ok(history.count('upload', 'ok') > 0)
    } finally {
      await cluster.stop()
    }
  })
})
