import { CaresError } from '../model/errors.ts'

/** First come, first served: callers wait here for room, in a bounded line. */
export class WaitingLine {
  readonly #lengthMax: number
  readonly #waiters: { resolve: () => void }[] = []

  constructor({ lengthMax }: { lengthMax: number }) {
    this.#lengthMax = lengthMax
  }

  get length(): number {
    return this.#waiters.length
  }

  /**
   * Resolves when it is this caller's turn to look again. One that finds no room after all comes back with `again`, and keeps its place.
   *
   * Throws `overloaded` when the line is full, and the signal's reason when that aborts first.
   */
  async wait({ again, signal }: { again: boolean; signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    if (!again && this.#waiters.length >= this.#lengthMax) {
      throw new CaresError('overloaded', `${this.#lengthMax} calls are waiting for room already`, {
        retryable: true,
        hint: 'try again later, or add a peer',
        details: { retryAfterMs: 1_000 }
      })
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { resolve }
    const onAbort = (): void => {
      const index = this.#waiters.indexOf(waiter)
      if (index >= 0) this.#waiters.splice(index, 1)
      reject(signal.reason)
    }
    if (again) this.#waiters.unshift(waiter)
    else this.#waiters.push(waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Room may have come: the first `count` in line look again. */
  wake(count = 1): void {
    for (const { resolve } of this.#waiters.splice(0, count)) resolve()
  }
}
