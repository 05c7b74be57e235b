import { CaresError } from '../model/errors.ts'

/** A caller's place in a {@link WaitingLine}: lower numbers come first. */
export type Ticket = number

interface Waiter {
  readonly ticket: Ticket
  readonly resolve: () => void
}

/** First come, first served: callers wait here for room, in a bounded line. */
export class WaitingLine {
  readonly #lengthMax: number
  /** By ticket. */
  readonly #waiters: Waiter[] = []
  #nextTicket = 1

  constructor({ lengthMax }: { lengthMax: number }) {
    this.#lengthMax = lengthMax
  }

  get length(): number {
    return this.#waiters.length
  }

  /** A place at the end. Throws `overloaded` when the line is full. */
  join(): Ticket {
    if (this.#waiters.length >= this.#lengthMax) {
      throw new CaresError('overloaded', `${this.#lengthMax} calls are waiting for room already`, {
        retryable: true,
        hint: 'try again later, or add a peer',
        details: { retryAfterMs: 1_000 }
      })
    }
    return this.#nextTicket++
  }

  /**
   * Resolves when it is this caller's turn to look. One that finds no room after all waits again with its ticket, and has kept its place.
   * Throws the signal's reason when that aborts first.
   */
  async wait(ticket: Ticket, { signal }: { signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { ticket, resolve }
    const onAbort = (): void => {
      const index = this.#waiters.indexOf(waiter)
      if (index >= 0) this.#waiters.splice(index, 1)
      reject(signal.reason)
    }
    const behind = this.#waiters.findLastIndex(other => other.ticket < ticket)
    this.#waiters.splice(behind + 1, 0, waiter)
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
