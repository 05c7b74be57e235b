import assert from 'node:assert/strict'
import { createHarness } from '../harness.ts'
import { ATLAS, sampleCluster, sampleListing } from '../../support/samples.ts'

describe('probes', () => {
  it('answer while the process lives, and say who it is', async () => {
    await using harness = createHarness()
    assert.deepEqual((await harness.app.inject('/healthz')).json(), { status: 'ok' })
    assert.deepEqual((await harness.app.inject('/version')).json(), {
      name: 'cares',
      version: '0.1.0',
      node: process.version,
      peer: { id: ATLAS, name: 'atlas' }
    })
  })

  for (const [ready, status] of [
    [true, 200],
    [false, 503]
  ] as const) {
    it(`answer /readyz with ${status} when the peer is ${ready ? '' : 'not '}ready`, async () => {
      await using harness = createHarness({ ready: () => ({ ready, reason: ready ? '' : 'no worker is known' }) })
      const answer = await harness.app.inject('/readyz')
      assert.equal(answer.statusCode, status)
      assert.deepEqual(answer.json(), { ready, reason: ready ? '' : 'no worker is known' })
    })
  }
})

/** One sample of the metrics text. */
const value = (text: string, series: string): number => {
  const found = text.split('\n').find(line => line.startsWith(`${series} `))
  assert.ok(found !== undefined, `${series} is there`)
  return Number(found.slice(series.length))
}

describe('/metrics', () => {
  it('has what the service counts, each time as it is then', async () => {
    let term = 3
    await using harness = createHarness({ cluster: () => sampleCluster({ term }) })
    const text = async (): Promise<string> => (await harness.app.inject('/metrics')).body
    const first = await text()
    assert.equal(value(first, 'cares_invocations_total{function="thumb",outcome="ok"}'), 3)
    assert.equal(value(first, 'cares_placements_total{kind="orchestrator"}'), 3)
    assert.equal(value(first, 'cares_invocation_starts_total{function="thumb",start="warm"}'), 2)
    assert.equal(value(first, 'cares_in_flight'), 1)
    assert.equal(value(first, 'cares_waiting'), 4)
    assert.equal(value(first, 'cares_is_orchestrator'), 1)
    assert.equal(value(first, 'cares_fenced'), 0)
    assert.equal(value(first, 'cares_alerts{rule="disk_low",severity="critical"}'), 0)
    assert.equal(value(first, 'cares_executions_total{outcome="failed"}'), 1)
    assert.equal(value(first, 'cares_warm_containers{function="thumb",kind="busy"}'), 2)
    assert.equal(value(first, 'cares_peer_disk_ratio{kind="used"}'), 0.1)
    assert.equal(value(first, 'cares_term'), 3)
    assert.equal(value(first, 'cares_log_applied_index'), 11)
    assert.equal(value(first, 'cares_peers{state="alive"}'), 2)
    assert.equal(value(first, 'cares_peers{state="gone"}'), 0)
    assert.equal(value(first, 'cares_peer_cpu_ratio{kind="used"}'), 0.25)
    assert.equal(value(first, 'cares_peer_cpu_ratio{kind="reserved"}'), 0.5)
    assert.equal(value(first, 'cares_peer_memory_ratio{kind="used"}'), 0.25)
    assert.equal(value(first, 'cares_peer_memory_ratio{kind="reserved"}'), 0.5)
    assert.ok(value(first, 'process_cpu_seconds_total') >= 0)
    term = 4
    const second = await text()
    assert.equal(value(second, 'cares_term'), 4)
    assert.equal(value(second, 'cares_invocations_total{function="thumb",outcome="ok"}'), 3, 'not counted twice')
  })

  it('measures calls', async () => {
    await using harness = createHarness()
    await harness.app.inject('/fn/thumb')
    await harness.app.inject('/fn/thumb')
    assert.equal(value((await harness.app.inject('/metrics')).body, 'cares_invocation_seconds_count{function="thumb"}'), 2)
  })

  it('makes no series for functions that do not exist', async () => {
    await using harness = createHarness()
    await harness.app.inject('/fn/made-up')
    assert.doesNotMatch((await harness.app.inject('/metrics')).body, /made-up/)
  })

  it('makes a bounded number of series, and loses no count', async () => {
    const invocations = Array.from({ length: 1_000 }, (_, i) => ({ function: `f${i}`, outcome: 'ok' as const, count: 1 }))
    await using harness = createHarness({ counters: () => ({ invocations, placements: [], starts: [], waiting: 0, inFlight: 0 }) })
    const { body } = await harness.app.inject('/metrics')
    const series = body.split('\n').filter(line => line.startsWith('cares_invocations_total{'))
    assert.equal(series.length, 257)
    assert.equal(value(body, 'cares_invocations_total{function="other",outcome="ok"}'), 744)
  })

  it('is kept apart for two peers in one process', async () => {
    await using one = createHarness()
    await using two = createHarness({ peers: () => [sampleListing()] })
    assert.equal(value((await one.app.inject('/metrics')).body, 'cares_peers{state="alive"}'), 2)
    assert.equal(value((await two.app.inject('/metrics')).body, 'cares_peers{state="alive"}'), 1)
  })
})
