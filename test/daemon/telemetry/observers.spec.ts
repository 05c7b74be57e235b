import assert from 'node:assert/strict'
import { Members } from '../../../src/daemon/members/members.ts'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import type { ClusterUid } from '../../../src/model/ids.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { ATLAS, BIRCH, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryCluster } from '../memory-cluster.ts'

describe('what a peer watches', () => {
  it('raises an alert for a member that dies, counts starts, and tells its log of each call by its id', async () => {
    const cluster = new MemoryCluster({ echo: input => input })
    await cluster.start(3)
    const { orchestrator } = cluster
    const [gateway, victim] = cluster.workers
    assert.ok(gateway !== undefined && victim !== undefined)
    await gateway.service.putFunction({ name: 'echo', image: 'echo' }, { signal: cluster.clock.timeout(5_000) })
    const { answer } = await gateway.call('echo', 'hi', { on: gateway })
    const { starts, waiting } = gateway.service.counters()
    assert.deepEqual(
      starts.map(({ function: name, count }) => [name, count]),
      [['echo', 1]]
    )
    assert.equal(waiting, 0)
    const told = cluster.log.records.filter(({ fields }) => (fields as { invocation?: string }).invocation === answer.invocation)
    assert.deepEqual(new Set(told.map(({ message }) => message)), new Set(['invocation:placed', 'execution ended', 'invocation:finished']))

    let changes = 0
    using _ = orchestrator.service.onChange(() => changes++)
    await victim.die()
    const raised = (): readonly string[] => orchestrator.service.alerts().raised.map(({ key }) => key)
    await cluster.until(() => raised().includes(`peer_gone/${victim.id}`), 'an alert')
    assert.ok(changes > 0)
    const event = orchestrator.service.eventsAfter(0).findLast(({ type }) => type === 'alert:raised')
    assert.ok(event !== undefined && event.id <= orchestrator.service.lastEventId())
    await cluster.stop()
  })

  it('sees by how much the clock of a peer is off', () => {
    const clock = new ManualClock()
    const cluster = 'c-1' as ClusterUid
    const members = new Members(
      { self: sampleProfile(), timings: PRESETS.loopback, addresses: [] },
      { clock, events: new EventLog({ clock }), cluster: () => cluster, admittedOn: () => 0, onAddresses: () => {}, onChange: () => {} }
    )
    const heartbeat = {
      cluster,
      profile: sampleProfile({ id: BIRCH, name: 'birch' }),
      stats: sampleStats(),
      nextWithinMs: 1_000,
      leaving: false
    }
    members.heard(BIRCH, heartbeat, 'report')
    assert.equal(members.skewMs(BIRCH), 0, 'an older version does not say')
    members.heard(BIRCH, { ...heartbeat, sentAtMs: Date.parse(clock.timestamp()) + 5_000 }, 'report')
    assert.equal(members.skewMs(BIRCH), -5_000)
    assert.equal(members.skewMs(ATLAS), 0)
  })
})
