import assert from 'node:assert/strict'
import { Alerts, type AlertsComponents } from '../../../src/daemon/telemetry/alerts.ts'
import { EventLog } from '../../../src/daemon/telemetry/event-log.ts'
import { History } from '../../../src/daemon/telemetry/history.ts'
import type { Alert } from '../../../src/model/alerts.ts'
import type { EventRecord } from '../../../src/model/events.ts'
import type { PeerId } from '../../../src/model/ids.ts'
import type { PeerView } from '../../../src/model/peer.ts'
import { ATLAS, BIRCH, sampleProfile, sampleStats } from '../../support/samples.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const view = (id: PeerId, state: PeerView['state'] = 'alive'): PeerView => ({
  profile: sampleProfile({ id, name: id === ATLAS ? 'atlas' : 'birch' }),
  stats: sampleStats(),
  state,
  ageMs: 0
})

/** Alerts of atlas in a cluster that the test makes what it wants, looked at each second. */
async function watched() {
  const clock = new ManualClock()
  const events = new EventLog({ clock })
  const scene = { leader: ATLAS as PeerId | null, views: [view(ATLAS), view(BIRCH)], foreignSeeds: [] as readonly string[] }
  const delivered: Alert[] = []
  const history = new History({ clock, views: () => scene.views })
  const consensus = {
    self: ATLAS,
    configuration: { voters: [ATLAS], learners: [BIRCH] },
    get role() {
      return { leader: scene.leader }
    }
  }
  const members = { views: () => scene.views, nameOf: (id: string) => id, skewMs: () => 0 }
  const alerts = new Alerts({}, {
    clock,
    events,
    history,
    consensus,
    members,
    foreignSeeds: () => scene.foreignSeeds,
    sink: {
      deliver: (alert: Alert) => delivered.push(alert),
      report: () => ({ delivered: delivered.length, failed: 0, waiting: 0, lastError: null }),
      start: async () => {},
      stop: async () => {}
    }
  } as unknown as AlertsComponents)
  const seen: EventRecord[] = []
  events.subscribe(event => seen.push(event))
  await alerts.start()
  const told = (): readonly string[] => delivered.splice(0).map(({ key, state }) => `${state} ${key}`)
  return { clock, events, scene, alerts, history, told, seen }
}

describe('Alerts', () => {
  it('emits, lists and delivers what is raised, and takes it back', async () => {
    const { clock, scene, alerts, told, seen } = await watched()
    scene.views = [view(ATLAS), view(BIRCH, 'gone')]
    clock.advance(1_000)
    assert.deepEqual(
      alerts.report().raised.map(({ key }) => key),
      [`peer_gone/${BIRCH}`]
    )
    assert.deepEqual(told(), [`raised peer_gone/${BIRCH}`])
    scene.views = [view(ATLAS), view(BIRCH)]
    clock.advance(1_000)
    assert.deepEqual(alerts.report().raised, [], 'nobody is gone beside a peer that is alive')
    assert.deepEqual(
      alerts.report().recent.map(({ key, state }) => `${state} ${key}`),
      [`cleared peer_gone/${BIRCH}`]
    )
    assert.deepEqual(told(), [`cleared peer_gone/${BIRCH}`])
    assert.deepEqual(
      seen.map(({ type }) => type),
      ['alert:raised', 'alert:cleared']
    )
  })

  it('leaves telling to the orchestrator, and takes over what that can not have told', async () => {
    const { clock, scene, told } = await watched()
    scene.leader = BIRCH
    scene.views = [view(ATLAS), view(BIRCH), view('12D3KooWCedar' as PeerId, 'suspect')]
    clock.advance(1_000)
    scene.views = [view(ATLAS), view(BIRCH, 'gone')]
    clock.advance(1_000)
    assert.deepEqual(told(), [], 'birch leads as far as atlas knows')
    scene.leader = ATLAS
    clock.advance(1_000)
    assert.deepEqual(told(), [`raised peer_gone/${BIRCH}`])
    clock.advance(5_000)
    assert.deepEqual(told(), [], 'once')
  })

  it('tells of the calls of its own gateway whoever leads', async () => {
    const { clock, scene, history, told } = await watched()
    scene.leader = BIRCH
    for (let i = 0; i < 20; i++) history.count({ function: 'thumb', totalMs: 1, failed: i % 2 === 0, cold: false })
    clock.advance(1_000)
    assert.deepEqual(told(), ['raised function_failures/thumb'])
    clock.advance(180_000)
    assert.deepEqual(told(), ['cleared function_failures/thumb'])
  })

  it('tells that its seeds belong to another cluster, which no other peer knows, whoever leads', async () => {
    const { clock, scene, alerts, told } = await watched()
    scene.leader = BIRCH
    scene.foreignSeeds = ['/ip4/10.0.0.9/tcp/4001', '/ip4/10.0.0.8/tcp/4001']
    clock.advance(1_000)
    assert.deepEqual(told(), ['raised other_cluster/cluster'])
    assert.match(
      alerts.report().raised[0]?.message ?? '',
      /^the peers at \/ip4\/10\.0\.0\.9\/tcp\/4001, \S+ belong to another cluster; this one goes on with its own: to join theirs, /
    )
    scene.foreignSeeds = []
    clock.advance(1_000)
    assert.deepEqual(told(), ['cleared other_cluster/cluster'])
  })

  it('says that the orchestrator has changed, but not when the first one is found', async () => {
    const { clock, events, alerts, told } = await watched()
    const changed = (orchestrator: PeerId | null): void => events.emit('orchestrator:changed', { orchestrator, name: null, term: 1 })
    changed(ATLAS)
    clock.advance(1_000)
    assert.deepEqual(told(), [])
    changed(null)
    changed(ATLAS)
    clock.advance(1_000)
    assert.deepEqual(told(), ['raised orchestrator_changed/cluster'])
    clock.advance(6 * 60_000)
    assert.deepEqual(told(), ['cleared orchestrator_changed/cluster'])
    await alerts.stop()
  })
})
