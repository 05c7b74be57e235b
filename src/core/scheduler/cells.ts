import { hashText } from './hash-text.ts'

/** The state lets it take work, now or when it no longer drains: `alive` or `draining`. */
export const IS_ALIVE = 1
/** Asked to take no new work. */
export const IS_DRAINING = 2
/** It has a runtime, and that answers. */
export const IS_READY = 4
/** It has a runtime and is not gone: it may be a home. */
export const IS_WORKER = 8

/** Above the bits of state, the flags hold those of {@link archBits}. */
const ARCH_SHIFT = 4
/** The bits of {@link archBits} among the flags. */
export const ARCH_MASK = 0xff_ffff << ARCH_SHIFT

/**
 * A CPU architecture as a part of the flags: 24 bits of its hash, so that a placement compares no text and looks at nothing but the cells. The
 * names in use are a dozen and all differ; of two names made for it that do not, a container's start would tell.
 */
export function archBits(arch: string): number {
  return (hashText(arch) >>> 8) << ARCH_SHIFT
}

/** Doubled as peers come. */
const INITIAL_SLOTS = 64

/** What is known of a peer, by place among the cells of its slot. */
export const CELL = {
  /** `IS_…` and the architecture together. */
  flags: 0,
  cpus: 1,
  /** Cores in use, as far as they slow down a newcomer. */
  cpusBusy: 2,
  /** Own unseen orders of cores. */
  unseenCpus: 3,
  /** How many times longer than on a reference machine everything takes. */
  slowness: 4,
  /** Of the whole machine; 0: not stated. */
  usdPerHour: 5,
  memoryBytes: 6,
  /** Memory promised, without what the worker would take back from idle containers, and with own unseen cold starts. */
  memoryHeldBytes: 7,
  /** The same for cores. */
  cpusHeld: 8,
  /** Promised to admitted work that runs outside CARES; its use of cores shows in `cpusBusy`. */
  outsideMemoryBytes: 9,
  /** Of the last-level cache; 0: not known, and then nobody waits for it. */
  llcBytes: 10,
  /** Of it, what the work there is expected to need. */
  llcHeldBytes: 11,
  unseenLlcBytes: 12,
  /** When the peer is next in turn, see the strategy `round-robin`. */
  turn: 13,
  /** See `Candidate.place`. */
  place: 14,
  heardAtMs: 15
} as const

/** One of {@link CELL}: a place, not a name, as looking up the place for each access took longer than the access. */
export type Cell = (typeof CELL)[keyof typeof CELL]

/** Cells of one slot: two lines of the processor's cache. */
export const SLOT_CELLS = 16

/**
 * The numbers that a placement reads: those of one peer beside each other, one slot for each peer, without holes. A placement looks at some thirty
 * peers all over the table; with one array for each kind of number, each look touched sixteen lines of the cache, and finding the arrays took
 * longer than reckoning with what was in them.
 */
export class Cells {
  /** {@link SLOT_CELLS} for each slot. Replaced as the table grows: do not keep it. */
  numbers = new Float64Array(INITIAL_SLOTS * SLOT_CELLS)

  /** Slots that there is room for. */
  get capacity(): number {
    return this.numbers.length / SLOT_CELLS
  }

  get(slot: number, cell: Cell): number {
    return this.numbers[slot * SLOT_CELLS + cell] ?? 0
  }

  set(slot: number, cell: Cell, value: number): void {
    this.numbers[slot * SLOT_CELLS + cell] = value
  }

  /** Doubles until there is room for `slots`. */
  grow(slots: number): void {
    let { capacity } = this
    while (capacity < slots) capacity *= 2
    if (capacity === this.capacity) return
    const wider = new Float64Array(capacity * SLOT_CELLS)
    wider.set(this.numbers)
    this.numbers = wider
  }

  /** Sets all cells of a slot to 0. */
  clear(slot: number): void {
    this.numbers.fill(0, slot * SLOT_CELLS, (slot + 1) * SLOT_CELLS)
  }

  /** Copies a slot over another. */
  move(from: number, to: number): void {
    this.numbers.copyWithin(to * SLOT_CELLS, from * SLOT_CELLS, (from + 1) * SLOT_CELLS)
  }
}
