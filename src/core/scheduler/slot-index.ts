/** Slots that the first array of positions has room for; doubled as higher ones come. */
const INITIAL_SLOTS = 64

/**
 * Which slots have something under a key, and how much of it: idle containers by function, or images by digest (1 each). All operations take
 * constant time. Slots are listed in an order that depends only on the calls made.
 */
export class SlotIndex {
  readonly #slots: number[] = []
  readonly #counts: number[] = []
  /**
   * By slot, 1 + its place in the list; 0: it has none. Sixteen bits are enough for all slots of a table, so this takes 2 bytes for each peer, and
   * one look at memory where a map took several: a placement looks dozens of times.
   */
  #positions = new Uint16Array(INITIAL_SLOTS)

  get size(): number {
    return this.#slots.length
  }

  /** 0 for a slot that has none. */
  count(slot: number): number {
    const position = this.#position(slot)
    return position < 0 ? 0 : (this.#counts[position] ?? 0)
  }

  /** The slot at a position from 0 to `size - 1`. */
  at(position: number): number {
    return this.#slots[position] ?? -1
  }

  /** Puts a slot at the end of the list; the last one takes its place there if it was in it. */
  set(slot: number, count: number): void {
    const last = this.#slots.length - 1
    const known = this.#position(slot)
    const position = known < 0 ? last + 1 : known
    if (position < last) this.#put(position, this.#slots[last] ?? slot, this.#counts[last] ?? 0)
    this.#put(Math.max(position, last), slot, count)
  }

  delete(slot: number): void {
    const position = this.#position(slot)
    if (position < 0) return
    const last = this.#slots.pop() ?? slot
    const count = this.#counts.pop() ?? 0
    if (last !== slot) this.#put(position, last, count)
    this.#positions[slot] = 0
  }

  /** Below 0 for a slot that has nothing. */
  #position(slot: number): number {
    return (this.#positions[slot] ?? 0) - 1
  }

  #put(position: number, slot: number, count: number): void {
    this.#slots[position] = slot
    this.#counts[position] = count
    if (slot >= this.#positions.length) this.#grow(slot + 1)
    this.#positions[slot] = position + 1
  }

  #grow(slots: number): void {
    let length = this.#positions.length
    while (length < slots) length *= 2
    const wider = new Uint16Array(length)
    wider.set(this.#positions)
    this.#positions = wider
  }
}

/** A {@link SlotIndex} for each key that has any slot. */
export class SlotIndexes {
  readonly #indexes = new Map<string, SlotIndex>()

  get(key: string): SlotIndex | undefined {
    return this.#indexes.get(key)
  }

  set(key: string, slot: number, count: number): void {
    let index = this.#indexes.get(key)
    if (index === undefined) this.#indexes.set(key, (index = new SlotIndex()))
    index.set(slot, count)
  }

  delete(key: string, slot: number): void {
    const index = this.#indexes.get(key)
    index?.delete(slot)
    if (index?.size === 0) this.#indexes.delete(key)
  }
}
