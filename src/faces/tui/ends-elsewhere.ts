import type { Invocation, InvocationList } from '../../model/rest-invocations.ts'
import type { EventItem } from '../../model/rest-events.ts'

/**
 * The ends of calls that came through other peers than `self`: events tell only of those through the peer that is asked. They are those that have ended in
 * this list and had not in the one before, oldest first. Nothing is told of a gateway that was not in the list before: all of its calls would be new.
 */
export function endsElsewhere(
  before: InvocationList | null,
  now: InvocationList,
  self: string
): readonly Extract<EventItem, { type: 'invocation:finished' }>[] {
  if (before === null) return []
  const silent = new Set([self, ...before.missing.map(({ id }) => id)])
  const known = new Set(before.items.filter(hasEnded).map(({ id }) => id))
  return now.items
    .filter(call => hasEnded(call) && !known.has(call.id) && !silent.has(call.gateway.id))
    .map(call => ({
      id: 0,
      at: new Date(Date.parse(call.acceptedAt) + (call.totalMs ?? 0)).toISOString(),
      type: 'invocation:finished' as const,
      data: {
        invocation: call.id,
        function: call.function,
        worker: call.worker?.id ?? null,
        status: call.status ?? 0,
        totalMs: call.totalMs ?? 0,
        code: call.error?.code ?? null
      }
    }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
}

function hasEnded({ state }: Invocation): boolean {
  return state === 'succeeded' || state === 'failed'
}
