import { compareWaiting, type QueueOrder, type Waiting } from './queue-order.ts'

/** How what waits is offered. */
export interface Serving<Waiter> {
  readonly order: QueueOrder
  readonly nowMs: number
  /** What is equal here asks for the same: where one found no room, the next would find none either. */
  readonly needsOf: (waiter: Waiter) => unknown
  /** Whether it found room, and waits no more. */
  readonly attempt: (waiter: Waiter) => boolean
  /** Enough for one go. @default all */
  readonly takenMax?: number
  /** So many different needs without room, and the rest would most likely fare no better. @default all */
  readonly missesMax?: number
}

/**
 * Offers what waits for room, next one first (see `compareWaiting`), and leaves in `waiting` what has found none, in that order. What does not fit
 * lets smaller work pass: room that it could not use is no loss to it.
 *
 * @returns the needs that have found no room, and how much has found some
 */
export function serveInOrder<Waiter extends Waiting>(
  waiting: Waiter[],
  { order, nowMs, needsOf, attempt, takenMax = Number.POSITIVE_INFINITY, missesMax = Number.POSITIVE_INFINITY }: Serving<Waiter>
): { readonly missed: ReadonlySet<unknown>; readonly taken: number } {
  waiting.sort((a, b) => compareWaiting(a, b, order, nowMs))
  const missed = new Set<unknown>()
  let kept = 0
  let taken = 0
  for (const waiter of waiting) {
    const needs = needsOf(waiter)
    const isOffered = taken < takenMax && missed.size < missesMax && !missed.has(needs)
    if (isOffered && attempt(waiter)) {
      taken++
      continue
    }
    if (isOffered) missed.add(needs)
    waiting[kept++] = waiter
  }
  waiting.length = kept
  return { missed, taken }
}
