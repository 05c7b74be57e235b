import type { RejectionReason } from '../../model/placement.ts'
import type { Candidate, Field } from './strategy.ts'

/** Reasons in the order in which they are tested, cheapest first; the first that meets a peer is the one that counts. */
export const REASONS = [
  'not_alive',
  'draining',
  'excluded',
  'not_pinned',
  'no_runtime',
  'wrong_arch',
  'gpus',
  'labels',
  'memory',
  'slots',
  'deadline',
  'budget'
] as const satisfies readonly RejectionReason[]

/** Each reason as a number, so that a scan compares no text: 1 + its place in {@link REASONS}. */
const CODES: Readonly<Record<RejectionReason, number>> = {
  not_alive: 1,
  draining: 2,
  excluded: 3,
  not_pinned: 4,
  no_runtime: 5,
  wrong_arch: 6,
  gpus: 7,
  labels: 8,
  memory: 9,
  slots: 10,
  deadline: 11,
  budget: 12
}

/** What a row holds, by place. */
export const FIELD = {
  slot: 0,
  /** 0: fits; else the number of the reason. */
  refusal: 1,
  needed: 2,
  available: 3,
  /** 1: an idle container takes the call. */
  warm: 4,
  network: 5,
  start: 6,
  pull: 7,
  queue: 8,
  run: 9,
  total: 10,
  /** See `Candidate`. */
  cpuLoad: 11,
  memoryLoad: 12,
  /** What the strategy made of it; lower is better. */
  score: 13,
  usd: 14,
  cpuShare: 15,
  turn: 16,
  place: 17,
  usdPerHour: 18,
  cache: 19,
  /** NaN: not known. */
  llcFree: 20
} as const

/** Numbers of one row: three cache lines, with room for more. */
export const ROW_NUMBERS = 24

/**
 * Room for the rows of so many placements is made at once: a large array costs as much to make and to clear away as a small one, and small ones
 * were a fifth of a placement. As long as one receipt among them is kept, so are the rows of all, 6 kB each.
 */
const KEPT_TOGETHER = 16

/** Rows that outlive the sheet: {@link KeptRows.count} of them, from a place in an array that they share with others. */
export interface KeptRows {
  readonly numbers: Float64Array
  readonly from: number
  readonly count: number
}

/**
 * What one placement finds out: a row of numbers for each peer that it looks at, one after the other. A few kilobytes that stay in the
 * processor's cache, where arrays by slot would be touched all over.
 */
export class Sheet {
  readonly rows: Float64Array
  /** Slots to be looked at, each once, in the order of their rows. */
  readonly slots: Uint32Array
  /** Slots in {@link slots}. */
  wanted = 0
  /** Rows in use. */
  count = 0
  /** Rows of peers that fit. */
  fitting = 0
  /** What the strategy is shown of each row, one after the other. */
  readonly candidate: { -readonly [Name in keyof Candidate]: Candidate[Name] }
  readonly field: { -readonly [Name in keyof Field]: Field[Name] }
  /** Rows that are equally good. */
  readonly band: number[] = []
  /** By slot, the number of the placement that wanted it last. */
  readonly #wantedIn: Uint32Array
  #placement = 0
  #kept = new Float64Array(0)
  #keptNumbers = 0
  /** By number of a reason, how many peers it has met in this placement. */
  readonly #met = new Uint32Array(REASONS.length + 1)

  /** @param capacity slots of the table */
  constructor(capacity: number) {
    this.rows = new Float64Array(capacity * ROW_NUMBERS)
    this.slots = new Uint32Array(capacity)
    this.#wantedIn = new Uint32Array(capacity)
    this.field = { bestMs: 0, pricesDiffer: false }
    this.candidate = {
      field: this.field,
      totalMs: 0,
      occupiedMs: 0,
      usd: 0,
      cpuLoad: 0,
      memoryLoad: 0,
      cpuShare: 0,
      turn: 0,
      place: 0
    }
  }

  get capacity(): number {
    return this.slots.length
  }

  /** Starts a placement. */
  begin(): void {
    this.wanted = 0
    this.count = 0
    this.fitting = 0
    this.#met.fill(0)
    // Numbered, so that there is nothing to clear for each; the numbers start over before they outgrow their column.
    if (this.#placement === 0xffff_ffff) {
      this.#placement = 0
      this.#wantedIn.fill(0)
    }
    this.#placement++
  }

  /** Has a slot looked at; a second time for the same one does nothing. */
  want(slot: number): void {
    if (this.#wantedIn[slot] === this.#placement) return
    this.#wantedIn[slot] = this.#placement
    this.slots[this.wanted++] = slot
  }

  /** Ends a row of a peer that does not fit. */
  refuse(base: number, reason: RejectionReason, needed = Number.NaN, available = Number.NaN): void {
    const code = CODES[reason]
    this.rows[base + FIELD.refusal] = code
    this.rows[base + FIELD.needed] = needed
    this.rows[base + FIELD.available] = available
    this.#met[code] = (this.#met[code] ?? 0) + 1
  }

  /** Copies all rows, before the next placement writes over them. */
  keep(): KeptRows {
    const { rows, count } = this
    const size = count * ROW_NUMBERS
    if (this.#keptNumbers + size > this.#kept.length) {
      this.#kept = new Float64Array(size * KEPT_TOGETHER)
      this.#keptNumbers = 0
    }
    const numbers = this.#kept
    const from = this.#keptNumbers
    this.#keptNumbers += size
    for (let i = 0; i < size; i++) numbers[from + i] = rows[i] ?? 0
    return { numbers, from, count }
  }

  /** Which reasons have been met, and by how many peers. */
  rejected(): Partial<Record<RejectionReason, number>> {
    const rejected: Partial<Record<RejectionReason, number>> = {}
    if (this.fitting === this.count) return rejected
    for (const reason of REASONS) {
      const count = this.#met[CODES[reason]] ?? 0
      if (count > 0) rejected[reason] = count
    }
    return rejected
  }
}
