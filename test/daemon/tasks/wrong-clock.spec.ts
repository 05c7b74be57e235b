import assert from 'node:assert/strict'
import { MemoryCluster } from '../memory-cluster.ts'

const DAY_MS = 86_400_000
/** Longer than this spec takes. */
const MINUTE_MS = 60_000

describe('tasks in a cluster where one clock is wrong', function () {
  this.timeout(30_000)
  let cluster: MemoryCluster

  afterEach(async () => cluster.stop())

  for (const [who, wrong, days] of [
    ['the gateway is days ahead', 'peer-3', 400],
    ['the gateway is days behind', 'peer-3', -400],
    ['the orchestrator is days ahead', 'peer-1', 400],
    ['the orchestrator is days behind', 'peer-1', -400]
  ] as const) {
    it(`have the times of the others: ${who}`, async () => {
      const machineOf = (peer: string): object => (peer === wrong ? { clockAheadMs: days * DAY_MS } : {})
      cluster = new MemoryCluster({ upper: input => input.toUpperCase() }, { machineOf })
      await cluster.start(3)
      assert.equal(cluster.orchestrator.id, 'peer-1')
      const gateway = cluster.peer(2)
      const signal = cluster.clock.timeout(20_000)
      // Only what it hears of the others tells a peer that its clock is wrong.
      await cluster.until(
        () => cluster.peers.every(({ service }) => service.peers().every(({ stats }) => stats.seq > 2)),
        'each to hear all'
      )
      const submitted = await gateway.service.tasks.submit({ image: 'upper' }, { signal })
      const { state, submittedAt, finishedAt = '' } = await gateway.service.tasks.waitFor(submitted.task.id, { signal })
      assert.equal(state, 'succeeded')
      const now = Date.parse(cluster.clock.timestamp())
      for (const at of [submittedAt, finishedAt]) assert.ok(Math.abs(Date.parse(at) - now) < MINUTE_MS, at)
    })
  }
})
