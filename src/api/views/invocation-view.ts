import type { InvocationRecord } from '../../model/invocation.ts'
import type { Receipt } from '../../model/placement.ts'
import type { Invocation } from '../../model/rest.ts'
import type { PeerRef } from './names.ts'

/** An invocation, without the reasons of its placements: `explain` has those. */
export function invocationView(
  record: InvocationRecord,
  { name, hasResult }: { name: (id: string) => PeerRef; hasResult: (id: string) => boolean }
): Invocation {
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
    predictedMs: predictedMs(record.receipts.at(-1)),
    placements: record.receipts.length,
    result: hasResult(record.id)
  }
}

/** What a placement expected of the peer that it chose. */
function predictedMs(receipt: Receipt | undefined): number | null {
  const chosen = receipt?.decision.verdicts.find(({ peer }) => peer === receipt.decision.chosen)
  return chosen?.fits === true ? chosen.cost.total : null
}
