import assert from 'node:assert/strict'
import type { CheckList, Cluster, Peer, PeerList, Stats } from '../../../src/model/rest.ts'
import { createHarness } from '../harness.ts'
import { argsOf } from '../../support/fake-service.ts'
import { ATLAS, BIRCH, CLUSTER_ID, sampleCluster, sampleListing, sampleProfile, sampleStats } from '../../support/samples.ts'

const BARE_ID = CLUSTER_ID.split('#')[0]

describe('/v1/peers', () => {
  it('lists every peer with the fields that clients rely on, and whose view it is', async () => {
    await using harness = createHarness()
    const { items, view } = (await harness.app.inject('/v1/peers')).json<PeerList>()
    assert.deepEqual(view, { peer: ATLAS, name: 'atlas' })
    const { id, name, state, role, capacity, used, reserved, running, succeeded, failed, ageMs } = items[0] as Peer
    assert.deepEqual(
      { id, name, state, role, capacity, used, reserved, running, succeeded, failed, ageMs },
      {
        id: ATLAS,
        name: 'atlas',
        state: 'alive',
        role: 'orchestrator',
        capacity: { cpus: 4, memoryBytes: 8 * 2 ** 30, diskBytes: 100 * 2 ** 30 },
        used: { cpus: 1, memoryBytes: 2 * 2 ** 30, diskBytes: 10 * 2 ** 30 },
        reserved: { cpus: 2, memoryBytes: 4 * 2 ** 30 },
        running: 2,
        succeeded: 100,
        failed: 1,
        ageMs: 200
      }
    )
    assert.deepEqual([items[1]?.name, items[1]?.role], ['birch', 'worker'])
  })

  it('reads one by name or id', async () => {
    await using harness = createHarness()
    for (const wanted of ['birch', BIRCH]) assert.equal((await harness.app.inject(`/v1/peers/${wanted}`)).json<Peer>().id, BIRCH)
    assert.equal((await harness.app.inject('/v1/peers/oak')).statusCode, 404)
  })

  it('removes one from the cluster, by force if that is asked for, and takes nothing else for force', async () => {
    await using harness = createHarness()
    const remove = async (query: string): Promise<{ status: number; body: object }> => {
      const answer = await harness.app.inject({ method: 'DELETE', url: `/v1/peers/birch${query}` })
      return { status: answer.statusCode, body: answer.json<object>() }
    }
    for (const query of ['', '?force=true']) assert.deepEqual((await remove(query)).body, { id: BIRCH, name: 'birch', removed: true })
    const forces = harness.service.asked.flatMap(({ method, args }) =>
      method === 'removePeer' ? [(args[1] as { force: boolean }).force] : []
    )
    assert.deepEqual(forces, [false, true])
    for (const query of ['?force=2', '?forced=true']) assert.equal((await remove(query)).status, 422)
  })

  for (const [action, draining] of [
    ['drain', true],
    ['resume', false]
  ] as const) {
    it(`takes ${action} for a name, and asks for the id`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject({ method: 'POST', url: `/v1/peers/birch/${action}` })
      assert.deepEqual(answer.json(), { id: BIRCH, name: 'birch', draining })
      const { args } = harness.service.asked.find(({ method }) => method === 'setDraining') ?? { args: [] }
      assert.deepEqual(args.slice(0, 2), [BIRCH, draining])
    })
  }
})

describe('/v1/strategy', () => {
  it('says which strategy places, has the cluster agree on another, and takes it back', async () => {
    await using harness = createHarness()
    assert.deepEqual((await harness.app.inject('/v1/strategy')).json(), { name: 'cost', objective: 'balanced', agreed: false })
    const put = await harness.app.inject({ method: 'PUT', url: '/v1/strategy', payload: { name: 'cost', objective: 'cheap' } })
    assert.equal(put.statusCode, 200)
    assert.equal((await harness.app.inject({ method: 'DELETE', url: '/v1/strategy' })).statusCode, 200)
    const asked = harness.service.asked.filter(({ method }) => method === 'setStrategy').map(({ args }) => args[0])
    assert.deepEqual(asked, [{ name: 'cost', objective: 'cheap' }, null])
  })

  for (const payload of [{}, { name: 'gready' }, { name: 'greedy', objective: 'cheap' }, { name: 'cost', more: 1 }]) {
    it(`refuses ${JSON.stringify(payload)}`, async () => {
      await using harness = createHarness()
      assert.equal((await harness.app.inject({ method: 'PUT', url: '/v1/strategy', payload })).statusCode, 422)
      assert.equal(
        harness.service.asked.some(({ method }) => method === 'setStrategy'),
        false
      )
    })
  }
})

describe('/v1/stats', () => {
  it('sums all peers but those gone, and counts warm containers by function', async () => {
    await using harness = createHarness({
      peers: () => [
        sampleListing(),
        sampleListing({ profile: sampleProfile({ id: BIRCH, name: 'birch' }), state: 'draining' }),
        sampleListing({ profile: sampleProfile({ name: 'cedar' }), state: 'gone' })
      ]
    })
    const stats = (await harness.app.inject('/v1/stats')).json<Stats>()
    assert.equal(stats.at, '2026-01-02T03:04:05.000Z')
    assert.equal(stats.items.length, 3)
    assert.deepEqual(stats.totals.peers, { alive: 1, suspect: 0, draining: 1, gone: 1 })
    assert.deepEqual([stats.totals.capacity.cpus, stats.totals.running, stats.totals.succeeded, stats.totals.usdPerHour], [8, 4, 200, 0.2])
    assert.deepEqual(stats.functions, [{ name: 'thumb', revision: 1, peers: 2, idle: 2, busy: 4 }])
    assert.deepEqual(stats.gateway, {
      inFlight: 1,
      invocations: [{ function: 'thumb', outcome: 'ok', count: 3 }],
      placements: [{ kind: 'orchestrator', count: 3 }]
    })
  })
})

describe('what runs on a peer', () => {
  for (const [what, tasks, running] of [
    ['calls, tasks and services', 3, 5],
    ['calls, where the peer is too old to tell of tasks', undefined, 2]
  ] as const) {
    it(`is ${what}: in the list, in the numbers and in the metrics`, async () => {
      const stats = sampleStats({ running: 2, tasks })
      await using harness = createHarness({ peers: () => [sampleListing({ stats })] })
      const [peer] = (await harness.app.inject('/v1/peers')).json<PeerList>().items
      assert.deepEqual([peer?.running, peer?.tasks], [running, tasks ?? 0])
      assert.equal((await harness.app.inject('/v1/stats')).json<Stats>().totals.running, running)
      assert.match((await harness.app.inject('/metrics')).body, new RegExp(`^cares_running_executions(\\{.*\\})? ${running}$`, 'm'))
    })
  }
})

describe('/v1/cluster', () => {
  it('has the names of members that were not heard since a restart, if there are any', async () => {
    await using harness = createHarness({
      cluster: () => sampleCluster({ voters: [ATLAS, BIRCH], names: { [BIRCH]: 'birch' } })
    })
    assert.deepEqual((await harness.app.inject('/v1/cluster')).json<Cluster>().names, { [BIRCH]: 'birch' })
  })

  it('has the fields that clients rely on', async () => {
    await using harness = createHarness()
    const { id, orchestrator, term, voters, quorum } = (await harness.app.inject('/v1/cluster')).json<Cluster>()
    assert.deepEqual(
      { id, orchestrator, term, voters, quorum },
      { id: CLUSTER_ID, orchestrator: { id: ATLAS, name: 'atlas' }, term: 3, voters: [ATLAS], quorum: 1 }
    )
  })

  for (const [claim, request, init, id] of [
    ['shows the secret to this machine', {}, {}, CLUSTER_ID],
    ['keeps it from other machines', { remoteAddress: '192.0.2.7' }, {}, BARE_ID],
    ['keeps it from what a proxy on this machine forwards', { headers: { 'x-forwarded-for': '192.0.2.7' } }, {}, BARE_ID],
    [
      'shows it to a token from anywhere',
      { remoteAddress: '192.0.2.7', headers: { authorization: 'Bearer t' } },
      { tokens: ['t'] },
      CLUSTER_ID
    ]
  ] as const) {
    it(claim, async () => {
      await using harness = createHarness({}, { host: '0.0.0.0', ...init })
      const cluster = (await harness.app.inject({ url: '/v1/cluster', ...request })).json<Cluster>()
      assert.deepEqual([cluster.id, cluster.secretHidden], [id, id !== CLUSTER_ID])
    })
  }

  it('leaves', async () => {
    await using harness = createHarness()
    assert.deepEqual((await harness.app.inject({ method: 'POST', url: '/v1/leave' })).json(), { left: true })
    assert.deepEqual(
      harness.service.asked.map(({ method }) => method).filter(method => method === 'leave'),
      ['leave']
    )
  })
})

describe('upkeep', () => {
  for (const [query, dryRun] of [
    ['', false],
    ['?dryRun', true],
    ['?dryRun=false', false]
  ] as const) {
    it(`prunes by /v1/prune${query}, ${dryRun ? 'not' : ''} in earnest`, async () => {
      await using harness = createHarness()
      const answer = await harness.app.inject({ method: 'POST', url: `/v1/prune${query}` })
      assert.deepEqual(answer.json(), { dryRun, items: [{ container: 'c1d9f2', function: 'thumb@1', reason: 'idle' }] })
      assert.equal((argsOf(harness.service, 'prune')[0] as { dryRun: boolean }).dryRun, dryRun)
    })
  }

  it('is not well when one check fails', async () => {
    await using harness = createHarness({
      checks: async () => [
        { name: 'runtime', ok: true, message: 'docker answers' },
        { name: 'disk', ok: false, message: '99% full', hint: 'cares prune' }
      ]
    })
    const checks = (await harness.app.inject('/v1/checks')).json<CheckList>()
    assert.equal(checks.ok, false)
    assert.equal(checks.items[1]?.hint, 'cares prune')
  })
})
