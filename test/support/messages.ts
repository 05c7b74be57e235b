import type { ClusterUid, PeerId } from '../../src/model/ids.ts'
import type { ExecuteDown, ExecuteUp, InvokeUp } from '../../src/model/invocation.ts'
import type { ClusterDigest, Heartbeat } from '../../src/model/peer.ts'
import { INVOCATION, sampleProfile, sampleStats } from './fake-service.ts'

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

/** A call of `thumb` with an inline body. */
export function sampleCall(body?: Uint8Array): InvokeUp {
  return {
    type: 'call',
    invocation: INVOCATION,
    function: 'thumb',
    head: { method: 'POST', path: '/', query: '', headers: [['content-type', 'text/plain']] },
    round: 1,
    deadlineMs: 30_000,
    minIndex: 4,
    fallback: false,
    ...(body === undefined ? {} : { body })
  }
}

/** A part of a body, up or down. */
export function chunk(bytes: Uint8Array): Extract<ExecuteUp & ExecuteDown, { type: 'body' }> {
  return { type: 'body', chunk: bytes }
}
