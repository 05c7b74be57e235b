import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import { readTraceContext } from '../../src/model/trace-context.ts'
import { createOtlpTracer } from '../../src/telemetry/otlp-tracer.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createTestLog } from '../support/test-log.ts'
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts'

const CLIENT = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] as const
const UNSAMPLED = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'] as const

const tracerFor = ({ endpoint }: Pick<OtlpReceiver, 'endpoint'>, ratio = 1, log = createTestLog()) =>
  createOtlpTracer({ endpoint, ratio, resource: { 'service.instance.id': 'atlas' } }, { clock: createSystemClock(), log })

const init = { kind: 'server', headers: [], attributes: {} } as const

describe('the OTLP tracer', () => {
  it('goes on with the trace that a client has begun, and hands it on', async () => {
    await using receiver = await startOtlpReceiver()
    const tracer = tracerFor(receiver)
    const gateway = tracer.begin('call thumb', { ...init, headers: [CLIENT, ['tracestate', 'vendor=1']], attributes: { 'cares.try': 1 } })
    const carried = gateway.carry([CLIENT, ['tracestate', 'vendor=1'], ['content-type', 'text/plain']])
    const worker = tracer.begin('execute thumb', { ...init, kind: 'internal', headers: carried })
    worker.note('accepted')
    worker.end({ code: 'function_failed', message: 'exit code 3' })
    gateway.set({ 'cares.peer': 'birch' })
    gateway.end()
    await tracer.stop()

    const [inner, outer] = receiver.spans
    assert.equal(outer?.traceId, '0af7651916cd43dd8448eb211c80319c')
    assert.equal(outer?.parentSpanId, 'b7ad6b7169203331')
    assert.deepEqual(outer?.attributes, { 'cares.try': 1, 'cares.peer': 'birch' })
    assert.equal(outer?.instance, 'atlas')
    assert.equal(inner?.parentSpanId, outer?.spanId)
    assert.deepEqual([inner?.isError, inner?.attributes['error.type'], inner?.events], [true, 'function_failed', ['accepted']])
    assert.deepEqual(readTraceContext(carried), { traceId: outer?.traceId, spanId: outer?.spanId, sampled: true, state: 'vendor=1' })
    assert.equal(carried.filter(([name]) => name === 'traceparent').length, 1)
  })

  it('begins a trace for a client that has none', async () => {
    await using receiver = await startOtlpReceiver()
    const tracer = tracerFor(receiver)
    tracer.begin('call thumb', init).end()
    await tracer.stop()
    assert.equal(receiver.spans[0]?.parentSpanId || undefined, undefined)
    assert.match(receiver.spans[0]?.traceId ?? '', /^[0-9a-f]{32}$/)
  })

  it('lays parts out one after the other up to now, and leaves out those of no length', async () => {
    await using receiver = await startOtlpReceiver()
    const tracer = tracerFor(receiver)
    const span = tracer.begin('execute thumb', init)
    span.parts([
      { name: 'queue', ms: 2 },
      { name: 'pull', ms: 0 },
      { name: 'run', ms: 30 }
    ])
    span.end()
    await tracer.stop()
    const [queue, run, whole] = receiver.spans
    assert.deepEqual([queue?.name, run?.name, whole?.name], ['queue', 'run', 'execute thumb'])
    assert.ok(Math.abs((run?.startMs ?? 0) - (queue?.endMs ?? 0)) < 0.01)
    assert.ok(Math.abs((run?.endMs ?? 0) - (run?.startMs ?? 0) - 30) < 0.01)
    assert.ok(Math.abs((run?.endMs ?? 0) - (whole?.endMs ?? 0)) < 50)
    assert.equal(run?.parentSpanId, whole?.spanId)
  })

  for (const [what, ratio, headers, count] of [
    ['records none of its own at ratio 0', 0, [], 0],
    ['records at ratio 0 what the client records', 0, [CLIENT], 1],
    ['does not record at ratio 1 what the client does not', 1, [UNSAMPLED], 0]
  ] as const) {
    it(what, async () => {
      await using receiver = await startOtlpReceiver()
      const tracer = tracerFor(receiver, ratio)
      const span = tracer.begin('call thumb', { ...init, headers })
      span.parts([{ name: 'run', ms: 1 }])
      assert.equal(readTraceContext(span.carry(headers))?.sampled, count === 1)
      span.end()
      await tracer.stop()
      assert.equal(receiver.spans.filter(({ name }) => name === 'call thumb').length, count)
    })
  }

  it('does not keep a peer that stops waiting for a collector that does not answer', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const clock = new ManualClock()
    const { port } = server.address() as AddressInfo
    const init = { endpoint: `http://127.0.0.1:${port}`, ratio: 1, resource: {} }
    const log = createTestLog()
    const tracer = createOtlpTracer(init, { clock, log })
    tracer.begin('call thumb', { kind: 'server', headers: [], attributes: {} }).end()
    const stopped = tracer.stop()
    const [socket] = (await once(server, 'connection')) as [Socket]
    clock.advance(2_000)
    await stopped
    assert.deepEqual(log.records, [], 'the collector could still answer, and nobody waits for it')
    socket.destroy()
    server.close()
    await once(server, 'close')
  })

  it('stops although nobody collects, and says so', async () => {
    await using receiver = await startOtlpReceiver({ status: 400 })
    const log = createTestLog()
    const tracer = tracerFor(receiver, 1, log)
    tracer.begin('call thumb', init).end()
    await tracer.stop()
    assert.ok(log.records.some(({ message }) => message === 'the last spans were not sent'))
  })
})
