import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OtelTracer
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  TraceIdRatioBasedSampler,
  TracerProvider
} from '@opentelemetry/sdk-trace'
import type { Headers } from '../model/invocation.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Span, SpanAttributes, Tracer } from '../model/ports/tracer.ts'
import { readTraceContext, withTraceContext } from '../model/trace-context.ts'

export interface OtlpTracerInit {
  /** Base URL of the collector; `/v1/traces` is added. Headers and time-outs are taken from `OTEL_EXPORTER_OTLP_…`. */
  readonly endpoint: string
  /** Share of the traces that begin here which is recorded, 0 to 1. A trace that a client has begun is recorded if the client does. */
  readonly ratio: number
  /** Of this peer: `service.instance.id` and more. */
  readonly resource: SpanAttributes
}

/** Most spans that wait to be sent: about what a busy peer makes in a second. More are dropped: tracing must not slow down what it watches. */
const QUEUE_SPANS_MAX = 4_096
const BATCH_SPANS_MAX = 512
const BATCH_MS = 2_000
/** A collector that takes longer is too slow, or not there. */
const EXPORT_TIMEOUT_MS = 4_000
/** A peer that stops does not wait longer than this for a collector that is not there. */
const STOP_MS = 2_000

/** Sends spans by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/), in batches. A collector that is not there costs the spans, nothing else. */
export function createOtlpTracer({ endpoint, ratio, resource }: OtlpTracerInit, { clock, log }: { clock: Clock; log: Logger }): Tracer {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS })
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: QUEUE_SPANS_MAX,
    maxExportBatchSize: BATCH_SPANS_MAX,
    scheduledDelayMillis: BATCH_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS
  })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'cares', ...resource }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [processor]
  })
  const tracer = provider.getTracer('cares')
  return {
    begin: (name, { kind, headers, attributes }) => {
      const parent = parentOf(headers)
      const options = { kind: kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL, attributes: attributes as Attributes }
      return spanOf(tracer, tracer.startSpan(name, options, parent), { clock, state: readTraceContext(headers)?.state ?? '' })
    },
    start: async () => {},
    stop: async () => {
      const sent = provider.shutdown().catch((err: unknown) => log.warn({ err }, 'the last spans were not sent'))
      await Promise.race([sent, clock.sleep(STOP_MS)])
    }
  }
}

function parentOf(headers: Headers): Context {
  const context = readTraceContext(headers)
  if (context === undefined) return ROOT_CONTEXT
  const { traceId, spanId, sampled, state } = context
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    traceState: createTraceState(state)
  })
}

function spanOf(tracer: OtelTracer, span: OtelSpan, { clock, state }: { clock: Clock; state: string }): Span {
  const begunMs = clock.nowMs()
  const { traceId, spanId, traceFlags } = span.spanContext()
  const sampled = (traceFlags & TraceFlags.SAMPLED) !== 0
  return {
    carry: headers => withTraceContext(headers, { traceId, spanId, sampled, state }),
    set: attributes => void span.setAttributes(attributes),
    note: (name, attributes) => void span.addEvent(name, attributes),
    parts: parts => addParts(tracer, span, clock.nowMs() - begunMs, parts),
    end: error => {
      if (error !== undefined) {
        span.setAttribute('error.type', error.code)
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
      }
      span.end()
    }
  }
}

/** Children of a span whose lengths were measured by somebody else: laid out one after the other, up to now. */
function addParts(tracer: OtelTracer, span: OtelSpan, elapsedMs: number, parts: Parameters<Span['parts']>[0]): void {
  if (!span.isRecording()) return
  const [seconds, nanoseconds] = (span as OtelSpan & Pick<ReadableSpan, 'startTime'>).startTime
  let beginMs = seconds * 1e3 + nanoseconds / 1e6 + elapsedMs - parts.reduce((sum, { ms }) => sum + ms, 0)
  for (const { name, ms } of parts) {
    if (ms > 0) tracer.startSpan(name, { startTime: beginMs }, trace.setSpan(ROOT_CONTEXT, span)).end(beginMs + ms)
    beginMs += ms
  }
}
