import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** A span as OTLP's JSON has it (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly string[]
  /** `service.instance.id` of the peer that sent it. */
  readonly instance: unknown
  readonly isError: boolean
}

/** A collector that keeps what it is sent. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** How many batches came. */
  readonly batches: number
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[]
  }[]
}

interface RawSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly Attribute[]
  readonly events?: readonly { readonly name: string }[]
  readonly status?: { readonly code?: number }
}

/** Listens on a free port of loopback. `status` is what it answers. */
export async function startOtlpReceiver({ status = 200 }: { status?: number } = {}): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  let batches = 0
  const server = http.createServer((request, response) => {
    void (async () => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      batches++
      if (request.url === '/v1/traces' && status === 200) spans.push(...spansOf(JSON.parse(text) as Batch))
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get batches() {
      return batches
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

function spansOf({ resourceSpans }: Batch): readonly ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const instance = valuesOf(resource.attributes)['service.instance.id']
    return scopeSpans.flatMap(scope =>
      scope.spans.map(span => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: valuesOf(span.attributes ?? []),
        events: (span.events ?? []).map(({ name }) => name),
        instance,
        isError: span.status?.code === 2
      }))
    )
  })
}

function valuesOf(attributes: readonly Attribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
