import type { Clock } from '../model/ports/clock.ts'

/** Rings once, at the earliest of the times that it was set to since it rang last; then whoever is rung sets it to what comes next. */
export class SoonestAlarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Disposable | undefined
  #atMs = Number.POSITIVE_INFINITY
  #isOver = false

  constructor(ring: () => void, { clock }: { clock: Clock }) {
    this.#ring = ring
    this.#clock = clock
  }

  /** Infinity sets nothing; what is past rings at once, but never within this call. */
  set(atMs: number): void {
    if (atMs >= this.#atMs || this.#isOver) return
    this.#timer?.[Symbol.dispose]()
    this.#atMs = atMs
    // A millisecond late: at the very end of a time, it is not over yet.
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()) + 1, () => {
      this.#atMs = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }

  /** Rings no more. */
  stop(): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
  }
}
