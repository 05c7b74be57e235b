/**
 * Numbers that are kept in ascending order as they come and go: their median and every other rank are there at once. To sort them anew for each
 * that came was most of the time that learning took. A new one moves those between its place and the replaced one's, of a few dozen.
 */
export class Ranked {
  readonly #ascending: number[] = []

  get count(): number {
    return this.#ascending.length
  }

  /** The middle value, or the mean of the two in the middle; undefined of none. */
  get median(): number | undefined {
    const values = this.#ascending
    const upper = values[values.length >> 1]
    if (upper === undefined || values.length % 2 === 1) return upper
    return (upper + (values[(values.length >> 1) - 1] ?? upper)) / 2
  }

  /** The largest; undefined of none. */
  get most(): number | undefined {
    return this.#ascending[this.#ascending.length - 1]
  }

  /** The value of a rank, 0 for the least; undefined beyond the largest. */
  at(rank: number): number | undefined {
    return this.#ascending[rank]
  }

  /** How many values are less. */
  countBelow(value: number): number {
    const values = this.#ascending
    let from = 0
    let to = values.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((values[middle] ?? 0) < value) from = middle + 1
      else to = middle
    }
    return from
  }

  add(value: number): void {
    this.#settle(this.#ascending.push(value) - 1, value)
  }

  /** Puts `value` in the place of one that is there. */
  replace(old: number, value: number): void {
    this.#settle(this.#ascending.indexOf(old), value)
  }

  clear(): void {
    this.#ascending.length = 0
  }

  /** Writes a value to where it belongs, from the place that has come free. */
  #settle(free: number, value: number): void {
    const values = this.#ascending
    let at = free
    for (; at > 0 && (values[at - 1] ?? value) > value; at--) values[at] = values[at - 1] ?? value
    for (; at < values.length - 1 && (values[at + 1] ?? value) < value; at++) values[at] = values[at + 1] ?? value
    values[at] = value
  }
}

/** The newest so many numbers, {@link Ranked}. */
export class SortedWindow extends Ranked {
  readonly #sizeMax: number
  /** Oldest first, from `#oldest` on, round the end. */
  readonly #arrived: number[] = []
  #oldest = 0

  /** @param sizeMax the oldest goes when one more comes */
  constructor(sizeMax: number) {
    super()
    this.#sizeMax = sizeMax
  }

  push(value: number): void {
    if (this.count < this.#sizeMax) {
      this.#arrived.push(value)
      this.add(value)
      return
    }
    this.replace(this.#arrived[this.#oldest] ?? value, value)
    this.#arrived[this.#oldest] = value
    this.#oldest = (this.#oldest + 1) % this.#sizeMax
  }

  override clear(): void {
    super.clear()
    this.#arrived.length = 0
    this.#oldest = 0
  }
}
