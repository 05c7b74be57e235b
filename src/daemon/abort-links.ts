import type { Clock } from '../model/ports/clock.ts'

/**
 * What can cut a piece of work short, removed together when it is over: nothing of a call that has ended stays with signals and timers that live
 * longer. Cheaper than `AbortSignal.any` and `AbortSignal.timeout`, which cannot be taken back: one call has several of each.
 */
export class AbortLinks {
  readonly #links: (readonly [AbortSignal, () => void])[] = []
  readonly #timers: Disposable[] = []

  /** Calls back when the signal aborts; at once if it has aborted already. */
  add(signal: AbortSignal, onAbort: (reason: unknown) => void): void {
    if (signal.aborted) {
      onAbort(signal.reason)
      return
    }
    const listener = (): void => onAbort(signal.reason)
    signal.addEventListener('abort', listener, { once: true })
    this.#links.push([signal, listener])
  }

  /** Calls back after `ms`. */
  after(ms: number, onTimeout: () => void, { clock }: { clock: Clock }): void {
    this.#timers.push(clock.after(ms, onTimeout))
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#links) signal.removeEventListener('abort', listener)
    for (const timer of this.#timers) timer[Symbol.dispose]()
  }
}
