import assert from 'node:assert/strict'
import type { Headers } from '../../../src/model/invocation.ts'
import type { Tracer } from '../../../src/model/ports/tracer.ts'
import { readTraceContext } from '../../../src/model/trace-context.ts'
import { createOtlpTracer } from '../../../src/telemetry/otlp-tracer.ts'
import { createTestLog } from '../../support/test-log.ts'
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../telemetry/otlp-receiver.ts'
import { MemoryCluster, type MemoryPeer } from '../memory-cluster.ts'

const CLIENT = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] as const

/** Three peers that trace to one receiver, and what reached their function. */
async function traced() {
  const receiver: OtlpReceiver = await startOtlpReceiver()
  const tracers: Tracer[] = []
  const heads: Headers[] = []
  const cluster: MemoryCluster = new MemoryCluster(
    {
      echo: (input, { head }) => {
        heads.push(head.headers)
        return input
      },
      broken: () => {
        throw new Error('it broke')
      }
    },
    {
      tracerOf: peer => {
        const init = { endpoint: receiver.endpoint, ratio: 1, resource: { 'service.instance.id': peer } }
        const tracer = createOtlpTracer(init, { clock: cluster.clock, log: createTestLog() })
        tracers.push(tracer)
        return tracer
      }
    }
  )
  await cluster.start(3)
  for (const name of ['echo', 'broken'])
    await cluster.peer(0).service.putFunction({ name, image: name }, { signal: cluster.clock.timeout(5_000) })
  await cluster.until(() => cluster.peers.every(({ service }) => service.functions().length === 2), 'functions')
  return {
    cluster,
    heads,
    /** Ends everything, and gives all spans by their name. */
    spans: async (): Promise<ReadonlyMap<string, ReceivedSpan>> => {
      await cluster.stop()
      for (const tracer of tracers) await tracer.stop()
      const found = new Map(receiver.spans.map(span => [span.name, span]))
      await receiver[Symbol.asyncDispose]()
      return found
    }
  }
}

async function call(gateway: MemoryPeer, fn: string, worker: MemoryPeer, headers: Headers): Promise<void> {
  const answer = await gateway.service.invoke(
    {
      function: fn,
      head: { method: 'POST', path: '/x', query: '', headers, bodyBytes: 2 },
      body: (async function* () {
        yield Buffer.from('hi')
      })(),
      on: worker.id
    },
    { signal: AbortSignal.timeout(10_000) }
  )
  await Array.fromAsync(answer.body)
}

describe('the trace of a call', () => {
  it('goes from the client over its gateway to the orchestrator, to the worker, and from there to the function', async () => {
    const { cluster, heads, spans } = await traced()
    const { orchestrator } = cluster
    const [gateway, worker] = cluster.workers
    assert.ok(gateway !== undefined && worker !== undefined)
    await call(gateway, 'echo', worker, [CLIENT, ['tracestate', 'vendor=1'], ['content-type', 'text/plain']])
    const found = await spans()
    const [invoke, place, execute, run] = ['invoke echo', 'place echo', 'execute echo', 'run container'].map(name => found.get(name))

    const traceIds = new Set([invoke, place, execute, run].map(span => span?.traceId))
    assert.deepEqual(traceIds, new Set(['0af7651916cd43dd8448eb211c80319c']))
    assert.deepEqual(
      [invoke?.parentSpanId, place?.parentSpanId, execute?.parentSpanId, run?.parentSpanId],
      ['b7ad6b7169203331', invoke?.spanId, invoke?.spanId, execute?.spanId]
    )
    assert.deepEqual([invoke?.instance, place?.instance, execute?.instance], [gateway.id, orchestrator.id, worker.id])
    assert.deepEqual(place?.events, ['placed'])
    assert.equal(invoke?.attributes['cares.peer.id'], worker.id)
    assert.equal(invoke?.attributes['http.response.status_code'], 200)
    assert.equal(invoke?.attributes['faas.invocation_id'], execute?.attributes['faas.invocation_id'])
    const [head = []] = heads
    assert.deepEqual(readTraceContext(head), { traceId: invoke?.traceId, spanId: execute?.spanId, sampled: true, state: 'vendor=1' })
    assert.ok(head.some(([name]) => name === 'content-type'))
  })

  it('begins at the gateway where the client has none, and tells where a call failed', async () => {
    const { cluster, spans } = await traced()
    const { orchestrator } = cluster
    await assert.rejects(call(orchestrator, 'broken', orchestrator, []))
    const found = await spans()
    const [invoke, execute] = [found.get('invoke broken'), found.get('execute broken')]
    assert.equal(invoke?.traceId, execute?.traceId)
    assert.equal(invoke?.isError, true)
    assert.equal(execute?.isError, true)
    assert.equal(typeof invoke?.attributes['error.type'], 'string')
  })

  it('passes what a client sends on to the function where no peer traces', async () => {
    const heads: Headers[] = []
    const cluster = new MemoryCluster({
      echo: (input, { head }) => {
        heads.push(head.headers)
        return input
      }
    })
    await cluster.start(1)
    await cluster.peer(0).service.putFunction({ name: 'echo', image: 'echo' }, { signal: cluster.clock.timeout(5_000) })
    await call(cluster.peer(0), 'echo', cluster.peer(0), [CLIENT])
    await cluster.stop()
    assert.deepEqual(heads, [[CLIENT]])
  })
})
