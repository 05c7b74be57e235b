/**
 * Numbers by time: a row of `columns` numbers for each step of equal length, the newest `rows` of them. Steps are numbered from any start and
 * may be skipped; what is skipped, or older than what is kept, reads as `empty`.
 *
 * Single precision: a byte in 16 MiB, which is more than a chart shows, for half the memory.
 */
export class SeriesRing {
  readonly #columns: number
  readonly #rows: number
  readonly #empty: number
  readonly #values: Float32Array
  #newest = -1

  constructor({ columns, rows, empty }: { columns: number; rows: number; empty: number }) {
    this.#columns = columns
    this.#rows = rows
    this.#empty = empty
    this.#values = new Float32Array(columns * rows).fill(empty)
  }

  /** The newest step that something was written to; -1 when nothing was. */
  get newest(): number {
    return this.#newest
  }

  set(step: number, column: number, value: number): void {
    if (this.#reach(step)) this.#values[this.#index(step, column)] = value
  }

  add(step: number, column: number, value: number): void {
    if (this.#reach(step)) this.#values[this.#index(step, column)] = this.get(step, column) + value
  }

  get(step: number, column: number): number {
    const isKept = step <= this.#newest && step > this.#newest - this.#rows
    return isKept ? (this.#values[this.#index(step, column)] ?? this.#empty) : this.#empty
  }

  /** Makes room up to `step`; false for a step that is not kept any more. */
  #reach(step: number): boolean {
    if (step <= this.#newest - this.#rows) return false
    for (let next = Math.max(this.#newest + 1, step - this.#rows + 1); next <= step; next++) {
      const start = this.#index(next, 0)
      this.#values.fill(this.#empty, start, start + this.#columns)
    }
    this.#newest = Math.max(this.#newest, step)
    return true
  }

  #index(step: number, column: number): number {
    return (((step % this.#rows) + this.#rows) % this.#rows) * this.#columns + column
  }
}
