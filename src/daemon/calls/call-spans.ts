import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import type { AnswerHead, CallHead, CallToPlace, Order, Placed, Usage } from '../../model/invocation.ts'
import type { Span, Tracer } from '../../model/ports/tracer.ts'

/*
 * The spans of a call, if calls are traced. Its context travels in its own headers, so placer, worker and function each find who has asked them as
 * their parent, and no protocol knows of it.
 */

/** The call at its gateway: from its acceptance to the last byte of the answer. */
export function gatewaySpan(
  tracer: Tracer | undefined,
  id: InvocationId,
  { name, revision }: FunctionRecord,
  head: CallHead
): Span | undefined {
  return tracer?.begin(`invoke ${name}`, {
    kind: 'server',
    headers: head.headers,
    attributes: {
      'faas.invoked_name': name,
      'faas.invocation_id': id,
      'cares.revision': revision,
      'http.request.method': head.method,
      'url.path': head.path
    }
  })
}

/** The call at who places it: from its arrival, or from a worker's refusal, until there is a place. */
export function placerSpan(tracer: Tracer | undefined, call: CallToPlace): Span | undefined {
  return tracer?.begin(`place ${call.function}`, {
    kind: 'internal',
    headers: call.headers,
    attributes: {
      'faas.invoked_name': call.function,
      'faas.invocation_id': call.invocation,
      'cares.round': call.round,
      'cares.placement': call.fallback ? 'fallback' : 'orchestrator'
    }
  })
}

/** The call at its worker. */
export function workerSpan(
  tracer: Tracer | undefined,
  { invocation, function: fn, head, attempt }: Order,
  gateway: PeerId
): Span | undefined {
  return tracer?.begin(`execute ${fn.name}`, {
    kind: 'internal',
    headers: head.headers,
    attributes: {
      'faas.name': fn.name,
      'faas.invocation_id': invocation,
      'cares.contract': fn.contract,
      'cares.try': attempt.try,
      'cares.gateway': gateway
    }
  })
}

/** The head with a span as the parent of what is done with it. */
export function carriedBy(span: Span | undefined, head: CallHead): CallHead {
  return span === undefined ? head : { ...head, headers: span.carry(head.headers) }
}

/** Ends the span of a gateway. */
export function endGatewaySpan(
  span: Span,
  {
    head,
    placed,
    error
  }: {
    head: AnswerHead | undefined
    placed: Pick<Placed, 'worker' | 'receipt'> | undefined
    error: { readonly code: string; readonly message: string } | undefined
  }
): void {
  if (head !== undefined) span.set({ 'http.response.status_code': head.status, 'cares.start': head.start })
  if (placed !== undefined) span.set({ 'cares.peer.id': placed.worker, 'cares.placement': placed.receipt.placement })
  span.end(error)
}

/** Ends the span of a worker whose container has answered: what that took, part by part, is below it. */
export function endWorkerSpan(span: Span, { start, usage }: { start: AnswerHead['start']; usage: Usage }): void {
  span.set({ 'faas.coldstart': start === 'cold', 'cares.start': start })
  span.parts([
    { name: 'queue', ms: usage.queueMs },
    { name: 'pull image', ms: usage.pullMs },
    { name: 'start container', ms: usage.startMs },
    { name: 'run container', ms: usage.runMs }
  ])
  span.end()
}
