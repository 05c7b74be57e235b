import { REJECTION_REASONS, type RejectionReason } from '../../model/placement.ts'
import { VERDICTS_MAX } from './constants.ts'
import type { Candidate, Field } from './strategy.ts'

/** Each reason as a number, so that a scan compares no text: 1 + its place in {@link REJECTION_REASONS}. */
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
  /** 1: an idle container takes the call. */
  warm: 2,
  network: 3,
  start: 4,
  pull: 5,
  queue: 6,
  run: 7,
  total: 8,
  /** See `Candidate`. */
  cpuLoad: 9,
  memoryLoad: 10,
  /** What the strategy made of it; lower is better. */
  score: 11,
  usd: 12,
  cpuShare: 13,
  turn: 14,
  place: 15,
  usdPerHour: 16,
  cache: 17,
  /** NaN: not known. */
  llcFree: 18,
  /** Of a peer that does not fit, which has no costs. Of `labels`: the place of the first constraint that is not met. */
  needed: 7,
  available: 8
} as const

/** Numbers of one row. */
export const ROW_NUMBERS = 19

/**
 * Rows that one array holds: those of 4 placements that look at the usual 32 peers. One array for each placement took a fifth longer; one for 16, of
 * 78 kB in fresh memory, took longer to make than a placement takes, and one in 16 waited for it (of 10,000 peers the slowest 3 % took 77 µs and more,
 * with this 40). As long as one receipt among them is kept, so are the rows of all, 5 kB each.
 */
const ROWS_TOGETHER = 128

/** Rows that outlive the sheet: {@link KeptRows.count} of them, from a place in an array that they share with others. */
export interface KeptRows {
  readonly numbers: Float64Array
  readonly from: number
  readonly count: number
}

/**
 * What one placement finds out: a row of numbers for each peer that it looks at, one after the other. They are written where they stay if
 * somebody keeps them, so that keeping them costs nothing.
 */
export class Sheet {
  #shared = new Float64Array(ROWS_TOGETHER * ROW_NUMBERS)
  #scratch = new Float64Array(0)
  /** Where the rows of the next placement begin: behind those that are kept. */
  #next = 0
  /** Holds the rows, from {@link first} on. Another one in the next placement. */
  rows = this.#shared
  /** Where the first row begins. */
  first = 0
  /** Slots to be looked at, each once, in the order of their rows. */
  readonly slots: Uint32Array
  /** Slots in {@link slots}. */
  wanted = 0
  /** Rows in use. */
  count = 0
  /** Rows of peers that fit. */
  fitting = 0
  /** What the strategy is shown of each row, one after the other. */
  readonly candidate = new RowCandidate()
  /** By slot, the number of the placement that wanted it last. */
  readonly #wantedIn: Uint32Array
  #placement = 0
  /** By number of a reason, how many peers it has met in this placement. */
  readonly #met = new Uint32Array(REJECTION_REASONS.length + 1)

  /** @param capacity slots of the table */
  constructor(capacity: number) {
    this.slots = new Uint32Array(capacity)
    this.#wantedIn = new Uint32Array(capacity)
  }

  get capacity(): number {
    return this.slots.length
  }

  /** Where the last row ends. */
  get end(): number {
    return this.first + this.count * ROW_NUMBERS
  }

  /** Starts a placement. */
  begin(): void {
    this.wanted = 0
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

  /** Begins with no rows, and room for one for each slot that is wanted. */
  makeRows(): void {
    // Mostly everybody fits, and there is nothing to clear.
    if (this.fitting < this.count) this.#met.fill(0)
    this.count = 0
    this.fitting = 0
    const numbers = this.wanted * ROW_NUMBERS
    if (this.wanted > VERDICTS_MAX) {
      // Of so many a few are copied: the rest is written over, so that no receipt holds on to all of them.
      if (this.#scratch.length < numbers) this.#scratch = new Float64Array(this.capacity * ROW_NUMBERS)
      this.rows = this.#scratch
      this.first = 0
      return
    }
    if (this.#next + numbers > this.#shared.length) {
      this.#shared = new Float64Array(ROWS_TOGETHER * ROW_NUMBERS)
      this.#next = 0
    }
    this.rows = this.#shared
    this.first = this.#next
  }

  /** Ends a row of a peer that does not fit. */
  refuse(base: number, reason: RejectionReason, needed = Number.NaN, available = Number.NaN): void {
    const code = CODES[reason]
    this.rows[base + FIELD.refusal] = code
    this.rows[base + FIELD.needed] = needed
    this.rows[base + FIELD.available] = available
    this.#met[code] = (this.#met[code] ?? 0) + 1
  }

  /** Leaves the rows, at most {@link VERDICTS_MAX}, where they are: the next placement writes behind them. */
  keep(): KeptRows {
    this.#next = this.end
    return { numbers: this.rows, from: this.first, count: this.count }
  }

  /** Whether any peer was refused for this. */
  hasMet(reason: RejectionReason): boolean {
    return (this.#met[CODES[reason]] ?? 0) > 0
  }

  /** Which reasons have been met, and by how many peers. */
  rejected(): Partial<Record<RejectionReason, number>> {
    const rejected: Partial<Record<RejectionReason, number>> = {}
    if (this.fitting === this.count) return rejected
    for (const reason of REJECTION_REASONS) {
      const count = this.#met[CODES[reason]] ?? 0
      if (count > 0) rejected[reason] = count
    }
    return rejected
  }
}

/** A row as strategies see it. They read two or three of its numbers: those are looked up when they are asked for. */
class RowCandidate implements Candidate {
  rows = new Float64Array(ROW_NUMBERS)
  /** Where the row begins. */
  base = 0
  readonly field: { -readonly [Name in keyof Field]: Field[Name] } = { bestMs: 0, pricesDiffer: false }

  get totalMs(): number {
    return this.rows[this.base + FIELD.total] ?? 0
  }

  get occupiedMs(): number {
    return this.totalMs - (this.rows[this.base + FIELD.network] ?? 0)
  }

  get usd(): number {
    return this.rows[this.base + FIELD.usd] ?? 0
  }

  get cpuLoad(): number {
    return this.rows[this.base + FIELD.cpuLoad] ?? 0
  }

  get memoryLoad(): number {
    return this.rows[this.base + FIELD.memoryLoad] ?? 0
  }

  get cpuShare(): number {
    return this.rows[this.base + FIELD.cpuShare] ?? 0
  }

  get turn(): number {
    return this.rows[this.base + FIELD.turn] ?? 0
  }

  get place(): number {
    return this.rows[this.base + FIELD.place] ?? 0
  }
}
