/** Of many clocks, each with one moment at which it next rings, which rings first: a heap that knows where everyone is. */
export class Soonest {
  readonly #atMs: Float64Array
  readonly #heap: Uint32Array
  readonly #places: Uint32Array

  /** `count` clocks that never ring. */
  constructor(count: number) {
    this.#atMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
    this.#heap = Uint32Array.from({ length: count }, (_, i) => i)
    this.#places = Uint32Array.from({ length: count }, (_, i) => i)
  }

  /** Who rings first. */
  get first(): number {
    return this.#heap[0] ?? 0
  }

  /** When that is; infinity when nobody does. */
  get firstMs(): number {
    return this.#atMs[this.first] ?? Number.POSITIVE_INFINITY
  }

  /** Sets a clock. */
  set(clock: number, atMs: number): void {
    const before = this.#atMs[clock] ?? 0
    this.#atMs[clock] = atMs
    if (atMs < before) this.#rise(clock)
    else if (atMs > before) this.#sink(clock)
  }

  #rise(clock: number): void {
    const ms = this.#atMs[clock] ?? 0
    let at = this.#places[clock] ?? 0
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#heap[parent] ?? 0
      if ((this.#atMs[above] ?? 0) <= ms) break
      this.#put(at, above)
      at = parent
    }
    this.#put(at, clock)
  }

  #sink(clock: number): void {
    const ms = this.#atMs[clock] ?? 0
    const size = this.#heap.length
    let at = this.#places[clock] ?? 0
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      let below = this.#heap[child] ?? 0
      const right = this.#heap[child + 1]
      if (child + 1 < size && right !== undefined && (this.#atMs[right] ?? 0) < (this.#atMs[below] ?? 0)) below = right
      if ((this.#atMs[below] ?? 0) >= ms) break
      const place = this.#places[below] ?? 0
      this.#put(at, below)
      at = place
    }
    this.#put(at, clock)
  }

  #put(at: number, clock: number): void {
    this.#heap[at] = clock
    this.#places[clock] = at
  }
}
