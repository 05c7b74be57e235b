/**
 * Which slots have something under a key, and how much of it: idle containers by function, or images by digest (1 each). All operations take
 * constant time. Slots are listed in an order that depends only on the calls made.
 */
export class SlotIndex {
  readonly #slots: number[] = []
  readonly #positions = new Map<number, number>()
  readonly #counts = new Map<number, number>()

  get size(): number {
    return this.#slots.length
  }

  /** 0 for a slot that has none. */
  count(slot: number): number {
    return this.#counts.get(slot) ?? 0
  }

  /** The slot at a position from 0 to `size - 1`. */
  at(position: number): number {
    return this.#slots[position] ?? -1
  }

  set(slot: number, count: number): void {
    if (!this.#positions.has(slot)) this.#positions.set(slot, this.#slots.push(slot) - 1)
    this.#counts.set(slot, count)
  }

  delete(slot: number): void {
    const position = this.#positions.get(slot)
    const last = this.#slots.at(-1)
    if (position === undefined || last === undefined) return
    this.#slots[position] = last
    this.#positions.set(last, position)
    this.#slots.pop()
    this.#positions.delete(slot)
    this.#counts.delete(slot)
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
