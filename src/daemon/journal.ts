/** One kept item, with the number it got when it was appended (1, 2, 3, …). */
export interface JournalItem<T> {
  readonly id: number
  readonly value: T
}

export interface JournalInit<T> {
  /** Items kept; the oldest go first. */
  itemsMax: number
  /** Sum of `sizeOf` over the items kept. @default no bound */
  bytesMax?: number
  /** Size of one item. @default 0 */
  sizeOf?: (value: T) => number
}

/**
 * The newest items of a stream, numbered, for any number of readers at their own pace.
 *
 * A reader holds no queue: it remembers the last number it has seen and reads on from there, so a slow one costs nothing and sees from a gap
 * in the numbers how many items it missed.
 */
export class Journal<T> {
  readonly #itemsMax: number
  readonly #bytesMax: number
  readonly #sizeOf: (value: T) => number
  #items: JournalItem<T>[] = []
  #bytes = 0
  #nextId = 1
  #wake = Promise.withResolvers<void>()

  constructor({ itemsMax, bytesMax = Number.POSITIVE_INFINITY, sizeOf = () => 0 }: JournalInit<T>) {
    this.#itemsMax = itemsMax
    this.#bytesMax = bytesMax
    this.#sizeOf = sizeOf
  }

  append(value: T): JournalItem<T> {
    const item = { id: this.#nextId++, value }
    this.#items.push(item)
    this.#bytes += this.#sizeOf(value)
    // Cut in batches: moving the whole array for each item would make appending linear in what is kept.
    if (this.#items.length >= this.#itemsMax * 2 || this.#bytes > this.#bytesMax) this.#trim()
    this.#notify()
    return item
  }

  /** What is kept with a number above `id`, oldest first. */
  after(id: number): readonly JournalItem<T>[] {
    const kept = this.#items.slice(-this.#itemsMax)
    const firstId = kept[0]?.id ?? this.#nextId
    return kept.slice(Math.max(0, id + 1 - firstId))
  }

  /** Number of the newest item; 0 when there has been none. */
  get lastId(): number {
    return this.#nextId - 1
  }

  /** What is kept after `id`, then what comes, until the signal aborts (which ends it without an error). */
  async *follow(id: number, { signal }: { signal: AbortSignal }): AsyncGenerator<JournalItem<T>, void> {
    let last = id
    // Wakes all readers, of which one will end. A race of two promises would leave its traces in the one that lasts, for each item.
    const onAbort = (): void => this.#notify()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!signal.aborted) {
        const wake = this.#wake.promise
        for (const item of this.after(last)) {
          last = item.id
          yield item
          if (signal.aborted) return
        }
        if (this.lastId === last) await wake
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #notify(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  #trim(): void {
    let drop = Math.max(0, this.#items.length - this.#itemsMax)
    let bytes = this.#bytes
    for (let i = 0; i < drop; i++) bytes -= this.#sizeAt(i)
    while (bytes > this.#bytesMax && drop < this.#items.length - 1) bytes -= this.#sizeAt(drop++)
    this.#items = this.#items.slice(drop)
    this.#bytes = bytes
  }

  #sizeAt(index: number): number {
    const item = this.#items[index]
    return item === undefined ? 0 : this.#sizeOf(item.value)
  }
}
