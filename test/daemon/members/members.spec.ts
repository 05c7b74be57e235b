import assert from 'node:assert/strict'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { Members } from '../../../src/daemon/members/members.ts'
import type { ClusterUid } from '../../../src/model/ids.ts'
import { PRESETS } from '../../../src/model/presets.ts'
import { ATLAS, BIRCH, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('members', () => {
  it('calls a peer by the name that it has told, and until then by the end of its id, never by a name that nobody gave', () => {
    const clock = new ManualClock()
    const cluster = 'cluster' as ClusterUid
    const members = new Members(
      {
        self: sampleProfile({ id: ATLAS, name: 'atlas' }),
        timings: PRESETS.loopback,
        addresses: [{ id: BIRCH, addresses: ['/ip4/10.0.0.6/tcp/4001'] }]
      },
      { clock, events: new EventLog({ clock }), cluster: () => cluster, admittedOn: () => 0, onAddresses: () => {}, onChange: () => {} }
    )
    members.setMembers([ATLAS, BIRCH], new Set())
    assert.equal(members.nameOf(ATLAS), 'atlas')
    assert.equal(members.nameOf(BIRCH), `…${BIRCH.slice(-8)}`)
    members.heard(
      BIRCH,
      { cluster, profile: sampleProfile({ id: BIRCH, name: 'birch' }), stats: sampleStats(), nextWithinMs: 1_000, leaving: false },
      'gossip'
    )
    assert.equal(members.nameOf(BIRCH), 'birch')
    const addresses = members.addressesOf([BIRCH])
    const later = new Members(
      { self: sampleProfile({ id: ATLAS, name: 'atlas' }), timings: PRESETS.loopback, addresses },
      { clock, events: new EventLog({ clock }), cluster: () => cluster, admittedOn: () => 0, onAddresses: () => {}, onChange: () => {} }
    )
    assert.equal(later.nameOf(BIRCH), 'birch', 'after a restart, before it is heard')
    assert.deepEqual(later.formerNames([ATLAS, BIRCH]), { [BIRCH]: 'birch' })
    assert.deepEqual(members.formerNames([ATLAS, BIRCH]), {}, 'of those that are in the view, the view tells')
  })
})
