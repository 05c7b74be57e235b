import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'

/** When each connected peer was last heard over its own connection: whoever speaks need not be asked whether it lives. */
export class Hearing {
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #atMs = new Map<PeerId, number>()

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock
  }

  /** A peer has said something, whatever it was. */
  note(peer: PeerId): void {
    this.#atMs.set(peer, this.#clock.nowMs())
  }

  /** By the clock, in milliseconds; -Infinity for one that has said nothing since it connected. */
  atMs(peer: PeerId): number {
    return this.#atMs.get(peer) ?? Number.NEGATIVE_INFINITY
  }

  /** The last connection to a peer has closed. */
  forget(peer: PeerId): void {
    this.#atMs.delete(peer)
  }
}
