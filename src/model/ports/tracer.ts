import type { Headers } from '../invocation.ts'
import type { Startable } from './startable.ts'

/** What a span says of itself. Names follow OpenTelemetry's conventions where there are some, else they begin with `cares.`. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** One piece of work within a trace. */
export interface Span {
  /** The headers with this span as the parent of what is done with them. */
  carry(headers: Headers): Headers
  set(attributes: SpanAttributes): void
  /** Something happened within it, now. */
  note(name: string, attributes?: SpanAttributes): void
  /** Parts of it that are over, one after the other, the last of which ended now. Those of no length are left out. */
  parts(parts: readonly { readonly name: string; readonly ms: number }[]): void
  /** Ends it; what comes after is ignored. */
  end(error?: { readonly code: string; readonly message: string }): void
}

/** Tells some collector what is done for a call, and how long it takes. Where none is wanted there is no tracer, and nothing is done. */
export interface Tracer extends Startable {
  /** Begins a span below the one that the headers carry, or a new trace. */
  begin(name: string, init: { kind: 'server' | 'internal'; headers: Headers; attributes: SpanAttributes }): Span
}
