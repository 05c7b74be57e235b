import type { Headers } from './invocation.ts'

/** Where in which trace something happens, as it travels with a call: W3C Trace Context (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  /** Whether the caller records this trace. */
  readonly sampled: boolean
  /** The `tracestate` of other tracing systems, passed on as it is; empty when there is none. */
  readonly state: string
}

/** Vendors may add to it on the way; what is longer is dropped, as section 3.3.1.5 allows. */
const STATE_CHARACTERS_MAX = 512

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** The context that headers carry; undefined when they carry none that is valid: then a new trace begins. */
export function readTraceContext(headers: Headers): TraceContext | undefined {
  const values = headers.filter(([name]) => name === 'traceparent')
  // Section 3.2: a parent that is given twice is no parent.
  const [value] = values.length === 1 ? values : []
  const [, traceId, spanId, flags, rest] = TRACEPARENT.exec(value?.[1] ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (rest !== undefined && value?.[1].startsWith('00') === true) return undefined
  const state = headers
    .filter(([name]) => name === 'tracestate')
    .map(([, part]) => part)
    .join(',')
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1, state: state.length > STATE_CHARACTERS_MAX ? '' : state }
}

/** The headers with this context instead of the one that they may have carried. */
export function withTraceContext(headers: Headers, { traceId, spanId, sampled, state }: TraceContext): Headers {
  const others = headers.filter(([name]) => name !== 'traceparent' && name !== 'tracestate')
  const traceparent = ['traceparent', `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`] as const
  return state === '' ? [...others, traceparent] : [...others, traceparent, ['tracestate', state]]
}
