import type { Clock } from '../model/ports/clock.ts'

/**
 * Time from a change to the beat that wakes the readers. Long enough that a hundred peers, each heard once a second, make a few dozen messages and not a
 * hundred; short enough that a change is with its readers within 50 ms.
 */
const GATHER_MS = 25

/**
 * Wakes all readers of a stream together, a short while after something has changed. Between changes nothing runs; and readers that are woken together
 * find the same news, so that its text is made once for all of them.
 */
export class Pulse {
  readonly #clock: Clock
  #beat = 0
  #armed = false
  #next = Promise.withResolvers<void>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** Beats so far. */
  get beat(): number {
    return this.#beat
  }

  /** Something is new: there will be a beat soon. */
  notify(): void {
    if (this.#armed) return
    this.#armed = true
    void this.#clock.sleep(GATHER_MS).then(() => {
      this.#armed = false
      this.#beat++
      this.#wake()
    })
  }

  /** Resolves once there was a beat after beat number `beat`, or when the signal aborts. */
  async after(beat: number, { signal }: { signal: AbortSignal }): Promise<void> {
    // Wakes all readers, of which one will end: a race of two promises would leave its traces in the one that lasts.
    const onAbort = (): void => this.#wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (this.#beat === beat && !signal.aborted) await this.#next.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #wake(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }
}
