import type { CostMs, RejectionReason } from '../../model/placement.ts'

/** Reasons in the order in which they are tested, cheapest first; the first that meets a peer is the one that counts. */
export const REASONS = [
  'not_alive',
  'draining',
  'excluded',
  'not_pinned',
  'no_runtime',
  'wrong_arch',
  'memory',
  'slots',
  'deadline'
] as const satisfies readonly RejectionReason[]

/** What one placement found out, by slot. Arrays rather than objects, as most slots are looked at and then forgotten. */
export class Sheet {
  /** 0: fits; else 1 + the index in {@link REASONS}. */
  readonly refusal: Uint8Array
  readonly needed: Float64Array
  readonly available: Float64Array
  /** 1: an idle container takes the call. */
  readonly warm: Uint8Array
  readonly network: Float64Array
  readonly start: Float64Array
  readonly pull: Float64Array
  readonly queue: Float64Array
  readonly run: Float64Array
  readonly total: Float64Array
  /** See `Candidate`. */
  readonly cpuLoad: Float64Array
  readonly memoryLoad: Float64Array
  /** What the strategy made of it; lower is better. */
  readonly score: Float64Array
  /** The number of the placement that looked at the slot last. */
  readonly lookedAt: Uint32Array

  constructor(capacity: number) {
    this.refusal = new Uint8Array(capacity)
    this.warm = new Uint8Array(capacity)
    this.lookedAt = new Uint32Array(capacity)
    this.needed = new Float64Array(capacity)
    this.available = new Float64Array(capacity)
    this.network = new Float64Array(capacity)
    this.start = new Float64Array(capacity)
    this.pull = new Float64Array(capacity)
    this.queue = new Float64Array(capacity)
    this.run = new Float64Array(capacity)
    this.total = new Float64Array(capacity)
    this.cpuLoad = new Float64Array(capacity)
    this.memoryLoad = new Float64Array(capacity)
    this.score = new Float64Array(capacity)
  }

  get capacity(): number {
    return this.refusal.length
  }

  refuse(slot: number, reason: RejectionReason, needed = Number.NaN, available = Number.NaN): void {
    this.refusal[slot] = 1 + REASONS.indexOf(reason)
    this.needed[slot] = needed
    this.available[slot] = available
  }

  reasonOf(slot: number): RejectionReason | undefined {
    return REASONS[(this.refusal[slot] ?? 0) - 1]
  }

  costOf(slot: number): CostMs {
    return {
      network: this.network[slot] ?? 0,
      start: this.start[slot] ?? 0,
      pull: this.pull[slot] ?? 0,
      queue: this.queue[slot] ?? 0,
      run: this.run[slot] ?? 0,
      total: this.total[slot] ?? 0
    }
  }
}
