import type { Clock } from '../../model/ports/clock.ts'

/** How often it is looked whether this process gets its turns, while anything depends on it. */
const LOOK_MS = 250
/** A turn that comes so much too late is no matter of load: the process was stopped, or its machine was. */
export const PAUSE_MS_MIN = 500

/**
 * How long this process has been paused, all in all: frozen by a signal, or with its whole machine. The clock goes on meanwhile, so whatever was
 * timed across it seems to have taken longer than it did.
 */
export class PauseMonitor {
  readonly #clock: Clock
  #watchers = 0
  #looking: Disposable | undefined
  #lookedAtMs = 0
  #totalMs = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  /** Watches until disposed of; tells how long the process has been paused since. Nothing is looked at while nobody watches. */
  watch(): Disposable & { readonly pausedMs: number } {
    if (this.#watchers++ === 0) {
      this.#lookedAtMs = this.#clock.nowMs()
      this.#looking = this.#clock.every(LOOK_MS, () => this.#look())
    }
    const beforeMs = this.#totalMs
    const look = (): number => {
      // What was waited for may be handled before the look that is overdue.
      this.#look()
      return this.#totalMs - beforeMs
    }
    return {
      get pausedMs() {
        return look()
      },
      [Symbol.dispose]: () => {
        if (--this.#watchers > 0) return
        this.#looking?.[Symbol.dispose]()
        this.#looking = undefined
      }
    }
  }

  #look(): void {
    const nowMs = this.#clock.nowMs()
    const lateMs = nowMs - this.#lookedAtMs - LOOK_MS
    this.#lookedAtMs = nowMs
    if (lateMs >= PAUSE_MS_MIN) this.#totalMs += lateMs
  }
}
