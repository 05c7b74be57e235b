import type { ClusterUid, PeerId } from '../../src/model/ids.ts'
import { type CallToPlace, type ExecuteDown, type ExecuteUp, type InvokeUp, type Order, PARAMS_HEADER } from '../../src/model/invocation.ts'
import type { ClusterDigest, Heartbeat } from '../../src/model/peer.ts'
import { ATLAS, INVOCATION, sampleFunction, sampleProfile, sampleStats } from './samples.ts'

/** The cluster that sample messages are of. */
export const CLUSTER = 'c-test' as ClusterUid

/** A peer's word about itself. */
export function sampleHeartbeat(id: PeerId, seq = 1): Heartbeat {
  return { cluster: CLUSTER, profile: sampleProfile({ id }), stats: sampleStats({ seq }), nextWithinMs: 1_000, leaving: false }
}

/** The word of an orchestrator that knows only itself. */
export function sampleDigest(orchestrator: PeerId, seq = 1): ClusterDigest {
  const line = { profile: sampleProfile({ id: orchestrator }), stats: sampleStats(), ageMs: 12.5, state: 'alive' } as const
  return { cluster: CLUSTER, orchestrator, term: 3, seq, peers: [line] }
}

/** A call of `thumb`, as a placer hears of it. */
export function sampleCall(changes: Partial<CallToPlace> = {}): Extract<InvokeUp, { type: 'call' }> {
  return {
    type: 'call',
    invocation: INVOCATION,
    function: 'thumb',
    revision: sampleFunction().revision,
    headers: [[PARAMS_HEADER, 'size=2']],
    inputBytes: 2,
    round: 1,
    deadlineMs: 30_000,
    minIndex: 4,
    fallback: false,
    ...changes
  }
}

/** An order of `thumb`, with what is asked of it. */
export function sampleOrder(changes: Partial<Order> = {}): Extract<ExecuteUp, { type: 'order' }> {
  return {
    type: 'order',
    order: {
      invocation: INVOCATION,
      attempt: { round: 1, try: 1 },
      placement: 'orchestrator',
      term: 3,
      session: 7,
      placer: ATLAS,
      order: 1,
      function: sampleFunction(),
      head: { method: 'POST', path: '/', query: '', headers: [['content-type', 'text/plain']] },
      deadlineMs: 30_000,
      ...changes
    }
  }
}

/** A part of a body, up or down. */
export function chunk(bytes: Uint8Array): Extract<ExecuteUp & ExecuteDown, { type: 'body' }> {
  return { type: 'body', chunk: bytes }
}
