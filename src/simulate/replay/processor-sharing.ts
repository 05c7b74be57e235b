/** Work that is done to this much of a millisecond is done: sums of fractions are not exact. */
const DONE_TOLERANCE_MS = 1e-6

/**
 * Work on the cores of one machine. All work shares them by time: while more cores are wanted than there are, everything is slowed down by the
 * same factor. So one number tells how far everything has come, and the order of the ends never changes: a heap by "where it will be when I
 * am done" is all that is needed.
 */
export class ProcessorSharing {
  readonly #cpus: number
  readonly #speed: number
  /** Milliseconds that work has come, on a reference machine, had it been there from the beginning. */
  #progressMs = 0
  #atMs = 0
  #wanted = 0
  #busyCoreMs = 0
  /** A heap by `#ends`, in parallel arrays. */
  readonly #ends: number[] = []
  readonly #works: number[] = []

  constructor(cpus: number, speed: number) {
    this.#cpus = cpus
    this.#speed = speed
  }

  /** Works under way. */
  get size(): number {
    return this.#works.length
  }

  /** Cores that the works want together. */
  get wanted(): number {
    return this.#wanted
  }

  /** Cores that are in use: what is wanted, or all. */
  get busy(): number {
    return Math.min(this.#cpus, this.#wanted)
  }

  /** Core-milliseconds used until the last `advance`. */
  get busyCoreMs(): number {
    return this.#busyCoreMs
  }

  /** Brings everything up to a moment that is not before the last one. */
  advance(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    this.#progressMs += passedMs * this.#rate()
    this.#busyCoreMs += passedMs * this.busy
    this.#atMs = nowMs
  }

  /** Adds work that takes `workMs` alone on a reference machine. Call `advance` first. */
  add(work: number, workMs: number, cpus: number): void {
    this.#wanted += cpus
    const end = this.#progressMs + workMs
    let at = this.#works.length
    this.#ends.push(end)
    this.#works.push(work)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((this.#ends[parent] ?? 0) <= end) break
      this.#put(at, parent)
      at = parent
    }
    this.#ends[at] = end
    this.#works[at] = work
  }

  /** When the next work is done if nothing changes; infinity when there is none. */
  nextEndMs(): number {
    const end = this.#ends[0]
    return end === undefined ? Number.POSITIVE_INFINITY : this.#atMs + Math.max(0, end - this.#progressMs) / this.#rate()
  }

  /** Takes out a work that is done by now; -1 when there is none. Its cores are free at once. */
  takeDone(cpusOf: (work: number) => number): number {
    const end = this.#ends[0]
    const work = this.#works[0]
    if (end === undefined || work === undefined || end > this.#progressMs + DONE_TOLERANCE_MS) return -1
    this.#removeFirst()
    // Sums and differences of fractions drift; nothing is wanted when nothing runs.
    this.#wanted = this.size === 0 ? 0 : this.#wanted - cpusOf(work)
    return work
  }

  /** Drops everything, and returns what it was. */
  clear(): readonly number[] {
    this.#ends.length = 0
    this.#wanted = 0
    return this.#works.splice(0)
  }

  #rate(): number {
    return this.#wanted > this.#cpus ? (this.#speed * this.#cpus) / this.#wanted : this.#speed
  }

  #removeFirst(): void {
    const end = this.#ends.pop() ?? 0
    const work = this.#works.pop() ?? 0
    const size = this.#works.length
    if (size === 0) return
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && (this.#ends[child + 1] ?? 0) < (this.#ends[child] ?? 0)) child++
      if ((this.#ends[child] ?? 0) >= end) break
      this.#put(at, child)
      at = child
    }
    this.#ends[at] = end
    this.#works[at] = work
  }

  #put(to: number, from: number): void {
    this.#ends[to] = this.#ends[from] ?? 0
    this.#works[to] = this.#works[from] ?? 0
  }
}
