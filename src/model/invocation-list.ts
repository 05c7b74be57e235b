import type { PeerId } from './ids.ts'
import type { InvocationRecord, InvocationState } from './invocation.ts'
import type { Receipt } from './placement.ts'

/** Most invocations in one list, of one gateway or of all together. */
export const INVOCATIONS_LISTED_MAX = 1_000

/** What a list shows of an invocation: all but why it was placed where it was. */
export interface InvocationSummary extends Omit<InvocationRecord, 'receipts'> {
  /** How often it was placed. */
  readonly placements: number
  /** Milliseconds that its last placement expected of it; null: nobody was chosen. */
  readonly predictedMs: number | null
  /** Whether its gateway keeps its answer. */
  readonly hasResult: boolean
}

/** Which invocations: what is absent lets everything through. */
export interface InvocationQuery {
  readonly function?: string | undefined
  readonly state?: InvocationState | undefined
  /** 1 to {@link INVOCATIONS_LISTED_MAX}. */
  readonly limit: number
  /** Only those accepted at this time or later, by the clocks of their gateways (RFC 3339). */
  readonly since?: string | undefined
}

/** Invocations of several gateways, newest first. `missing`: gateways that did not answer in time, so that theirs are not among them. */
export interface InvocationListing {
  readonly items: readonly InvocationSummary[]
  readonly missing: readonly PeerId[]
}

/** The part of a record that lists show. */
export function summaryOf({ receipts, ...record }: InvocationRecord, { hasResult }: { hasResult: boolean }): InvocationSummary {
  return { ...record, placements: receipts.length, predictedMs: predictedMs(receipts.at(-1)), hasResult }
}

/** The newest of all lists together. */
export function newestOf(lists: readonly (readonly InvocationSummary[])[], limit: number): readonly InvocationSummary[] {
  return lists
    .flat()
    .toSorted((a, b) => compare(b.acceptedAt, a.acceptedAt) || compare(b.id, a.id))
    .slice(0, limit)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What a placement expected of the peer that it chose. */
function predictedMs(receipt: Receipt | undefined): number | null {
  const chosen = receipt?.decision.verdicts.find(({ peer }) => peer === receipt.decision.chosen)
  return chosen?.fits === true ? chosen.cost.total : null
}
