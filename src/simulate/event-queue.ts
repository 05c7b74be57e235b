/** Something that will happen at a time. */
export interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
  /** Set by whoever does not want it any more: it is then left out. */
  isCancelled: boolean
}

/** What is still to happen, soonest first; of two events at the same time, the one that was added first. A binary heap. */
export class EventQueue {
  readonly #heap: Event[] = []
  #added = 0

  get size(): number {
    return this.#heap.length
  }

  add(atMs: number, run: () => void): Event {
    const heap = this.#heap
    const event: Event = { atMs, order: this.#added++, run, isCancelled: false }
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || isBefore(above, event)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
    return event
  }

  /** Takes the soonest event that nobody has cancelled, if it is due by `untilMs`. */
  takeDue(untilMs: number): Event | undefined {
    const heap = this.#heap
    for (;;) {
      const soonest = heap[0]
      if (soonest === undefined || soonest.atMs > untilMs) return undefined
      const last = heap.pop()
      if (last !== undefined && heap.length > 0) this.#sink(last)
      if (!soonest.isCancelled) return soonest
    }
  }

  #sink(event: Event): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      if (left === undefined) break
      const right = heap[2 * at + 2]
      const isRight = right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (isBefore(event, child)) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = event
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
