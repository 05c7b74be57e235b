import type { PeerId } from '../../model/ids.ts'
import { type PlacementRequest, REJECTION_REASONS, type RejectionReason, type Verdict } from '../../model/placement.ts'
import { VERDICTS_MAX } from './constants.ts'
import type { PlacementTable } from './placement-table.ts'
import { FIELD, type KeptRows, ROW_NUMBERS, type Sheet } from './sheet.ts'

/**
 * What one placement found of each peer: its rows, and the ids as they were. Most is never read: to sort it and make objects of it took longer
 * than the placement itself, so that is done when somebody asks.
 */
export class Findings {
  readonly #chosen: PeerId | null
  readonly #ids: readonly PeerId[]
  readonly #self: PeerId
  readonly #count: number
  readonly #require: readonly string[]
  readonly #arch: string | undefined
  /** By slot, the architectures of peers that were refused for them: by the time that somebody asks, others may be in their slots. */
  readonly #otherArchs: Map<number, string> | undefined
  readonly #rows: Float64Array
  /** Where the first row begins. */
  readonly #from: number

  constructor(chosen: number | undefined, { require = [], arch }: PlacementRequest, table: PlacementTable, sheet: Sheet) {
    this.#require = require
    this.#arch = arch
    this.#ids = table.lendIds()
    this.#self = table.self
    this.#chosen = chosen === undefined ? null : (this.#ids[chosen] ?? null)
    const { numbers, from, count } = sheet.count <= VERDICTS_MAX ? sheet.keep() : worthKeeping(sheet, chosen)
    this.#rows = numbers
    this.#from = from
    this.#count = count
    this.#otherArchs = sheet.hasMet('wrong_arch') ? new Map() : undefined
    for (let row = 0; this.#otherArchs !== undefined && row < count; row++) {
      const base = from + row * ROW_NUMBERS
      if (this.#reason(base) !== 'wrong_arch') continue
      const slot = this.#rows[base] ?? 0
      this.#otherArchs.set(slot, table.profiles[slot]?.arch ?? '')
    }
  }

  /** The chosen one first, then who else fits, best first, then who does not, by id; at most {@link VERDICTS_MAX}. */
  verdicts(): readonly Verdict[] {
    return Array.from({ length: this.#count }, (_, row) => this.#from + row * ROW_NUMBERS)
      .map(base => ({ peer: this.#ids[this.#rows[base] ?? 0] ?? this.#self, base }))
      .sort((a, b) => this.#rank(a) - this.#rank(b) || (a.peer < b.peer ? -1 : 1))
      .map(({ peer, base }) => (this.#at(base, 'refusal') === 0 ? this.#fits(peer, base) : this.#refused(peer, base)))
  }

  #rank({ peer, base }: { peer: PeerId; base: number }): number {
    if (peer === this.#chosen) return -Number.MAX_VALUE
    return this.#at(base, 'refusal') === 0 ? this.#at(base, 'score') : Number.MAX_VALUE
  }

  #fits(peer: PeerId, base: number): Verdict {
    const [score, total, cache] = [this.#at(base, 'score'), this.#at(base, 'total'), this.#at(base, 'cache')]
    const llcFreeBytes = this.#at(base, 'llcFree')
    return {
      peer,
      fits: true,
      cost: {
        network: this.#at(base, 'network'),
        start: this.#at(base, 'start'),
        pull: this.#at(base, 'pull'),
        queue: this.#at(base, 'queue'),
        run: this.#at(base, 'run'),
        ...(cache === 0 ? {} : { cache }),
        total
      },
      start: this.#at(base, 'warm') === 1 ? 'warm' : 'cold',
      ...(score === total ? {} : { score }),
      terms: {
        usdPerHour: this.#at(base, 'usdPerHour'),
        usd: this.#at(base, 'usd'),
        cpuLoad: this.#at(base, 'cpuLoad'),
        memoryLoad: this.#at(base, 'memoryLoad'),
        cpuShare: this.#at(base, 'cpuShare'),
        turn: this.#at(base, 'turn'),
        place: this.#at(base, 'place'),
        ...(Number.isNaN(llcFreeBytes) ? {} : { llcFreeBytes })
      }
    }
  }

  #refused(peer: PeerId, base: number): Verdict {
    const reason = this.#reason(base) ?? 'not_alive'
    if (reason === 'wrong_arch') {
      return { peer, fits: false, reason, arch: { image: this.#arch ?? '', peer: this.#otherArchs?.get(this.#rows[base] ?? 0) ?? '' } }
    }
    const needed = this.#at(base, 'needed')
    if (reason === 'labels') {
      const constraint = this.#require[needed]
      return { peer, fits: false, reason, ...(constraint === undefined ? {} : { constraint }) }
    }
    return Number.isNaN(needed)
      ? { peer, fits: false, reason }
      : { peer, fits: false, reason, needed, available: this.#at(base, 'available') }
  }

  /** Undefined: it fits. */
  #reason(base: number): RejectionReason | undefined {
    return REJECTION_REASONS[this.#at(base, 'refusal') - 1]
  }

  #at(base: number, field: keyof typeof FIELD): number {
    return this.#rows[base + FIELD[field]] ?? 0
  }
}

/** The best of those that fit, then any of those that do not: after a full scan there may be thousands, and any few are as good an example. */
function worthKeeping({ rows, first, end, fitting }: Sheet, chosen: number | undefined): KeptRows {
  const best: number[] = []
  const examples: number[] = []
  const examplesMax = VERDICTS_MAX - Math.min(VERDICTS_MAX, fitting)
  for (let base = first; base < end && best.length + examples.length < fitting + examplesMax; base += ROW_NUMBERS) {
    if (rows[base + FIELD.refusal] === 0) best.push(base)
    else if (examples.length < examplesMax) examples.push(base)
  }
  const rank = (base: number): number => (rows[base] === chosen ? -Number.MAX_VALUE : (rows[base + FIELD.score] ?? 0))
  if (best.length > VERDICTS_MAX) best.sort((a, b) => rank(a) - rank(b)).length = VERDICTS_MAX
  const kept = [...best, ...examples]
  const numbers = new Float64Array(kept.length * ROW_NUMBERS)
  for (const [row, base] of kept.entries()) numbers.set(rows.subarray(base, base + ROW_NUMBERS), row * ROW_NUMBERS)
  return { numbers, from: 0, count: kept.length }
}
