import { toCaresError } from '../../model/errors.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/** How far the log has been applied here, and who waits for it to be further. */
export class AppliedIndex {
  #value: number
  readonly #waiters = new Set<{ readonly index: number; readonly resolve: () => void }>()

  constructor(value: number) {
    this.#value = value
  }

  get value(): number {
    return this.#value
  }

  advance(index: number): void {
    this.#value = index
    for (const waiter of this.#waiters) if (waiter.index <= index) waiter.resolve()
  }

  /** Resolves once the log is applied up to `index`. Rejects with the signal's reason, as a CaresError. */
  async reached(index: number, { signal }: { signal: AbortSignal }): Promise<void> {
    if (this.#value >= index) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter = { index, resolve }
    this.#waiters.add(waiter)
    try {
      await untilAborted(promise, signal)
    } catch (err) {
      throw toCaresError(err)
    } finally {
      this.#waiters.delete(waiter)
    }
  }
}
