import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'

/** Remembers for a moment who could not be reached, so that not every call finds out for itself. */
export class Breaker {
  readonly #openMs: number
  readonly #clock: Clock
  readonly #openUntilMs = new Map<PeerId, number>()

  constructor({ openMs }: { openMs: number }, { clock }: { clock: Clock }) {
    this.#openMs = openMs
    this.#clock = clock
  }

  trip(peer: PeerId): void {
    this.#openUntilMs.set(peer, this.#clock.nowMs() + this.#openMs)
  }

  isOpen(peer: PeerId): boolean {
    const untilMs = this.#openUntilMs.get(peer)
    if (untilMs === undefined) return false
    if (this.#clock.nowMs() < untilMs) return true
    this.#openUntilMs.delete(peer)
    return false
  }
}
