import type { InvocationSummary } from '../../model/invocation-list.ts'
import type { Invocation } from '../../model/rest-invocations.ts'
import type { PeerRef } from './names.ts'

/** An invocation, without the reasons of its placements: `explain` has those. */
export function invocationView(record: InvocationSummary, name: (id: string) => PeerRef): Invocation {
  return {
    id: record.id,
    function: record.function,
    revision: record.revision,
    state: record.state,
    gateway: name(record.gateway),
    acceptedAt: record.acceptedAt,
    method: record.method,
    path: record.path,
    worker: record.worker === undefined ? null : name(record.worker),
    start: record.start ?? null,
    placement: record.placement ?? null,
    status: record.status ?? null,
    error: record.error ?? null,
    usage: record.usage ?? null,
    totalMs: record.totalMs ?? null,
    predictedMs: record.predictedMs,
    placements: record.placements,
    result: record.hasResult
  }
}
