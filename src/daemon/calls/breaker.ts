import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'

/** After a loss a gateway places for itself this long before it asks the same peer again. */
const LOST_PLACER_MS = 500
/** A worker that did not answer an opening is not tried again for so long: each try costs its call more than a second. */
const SILENT_WORKER_MS = 2_000

/** Peers that all calls of a gateway leave alone for a moment, since they did not answer. */
export interface Breakers {
  /** Peers that were lost as orchestrators lately. */
  readonly lostPlacers: Breaker
  /** Workers that were silent lately. */
  readonly silentWorkers: Breaker
}

/** Breakers that are closed. */
export function createBreakers({ clock }: { clock: Clock }): Breakers {
  return {
    lostPlacers: new Breaker({ openMs: LOST_PLACER_MS }, { clock }),
    silentWorkers: new Breaker({ openMs: SILENT_WORKER_MS }, { clock })
  }
}

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

  /** The peer was reached after all. */
  close(peer: PeerId): void {
    this.#openUntilMs.delete(peer)
  }

  isOpen(peer: PeerId): boolean {
    const untilMs = this.#openUntilMs.get(peer)
    if (untilMs === undefined) return false
    if (this.#clock.nowMs() < untilMs) return true
    this.#openUntilMs.delete(peer)
    return false
  }
}
