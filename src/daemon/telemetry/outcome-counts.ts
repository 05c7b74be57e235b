import type { ErrorCode } from '../../model/errors.ts'

/** Outcomes are counted per function name; names beyond this share one row. */
const COUNTED_FUNCTIONS_MAX = 1_000

/** How often the calls of one function ended so. */
export interface OutcomeCount {
  readonly function: string
  readonly outcome: 'ok' | ErrorCode
  readonly count: number
}

/** How the calls of a gateway ended, by function. */
export class OutcomeCounts {
  readonly #rows = new Map<string, Map<'ok' | ErrorCode, number>>()

  get all(): readonly OutcomeCount[] {
    return [...this.#rows].flatMap(([fn, counts]) => [...counts].map(([outcome, count]) => ({ function: fn, outcome, count })))
  }

  add(fn: string, outcome: 'ok' | ErrorCode): void {
    const row = this.#rows.has(fn) || this.#rows.size < COUNTED_FUNCTIONS_MAX ? fn : 'other'
    const counts = this.#rows.get(row) ?? new Map<'ok' | ErrorCode, number>()
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
    this.#rows.set(row, counts)
  }
}
