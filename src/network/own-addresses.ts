import type { Clock } from '../model/ports/clock.ts'

/** Addresses change when a cable is pulled or a network is joined: who asks a second later than that knows soon enough. */
const KEPT_MS = 1_000

/** What this peer can be dialled at. To find out costs a walk over all interfaces of the machine, and is asked with every word that a peer says of itself. */
export class OwnAddresses {
  readonly #read: () => readonly string[]
  readonly #clock: Clock
  #list: readonly string[] = []
  #readAtMs = 0

  /** @param read - finds out; none before the peer listens */
  constructor(read: () => readonly string[], { clock }: { clock: Clock }) {
    this.#read = read
    this.#clock = clock
  }

  /** As they were within the last second; never none, when there are any. */
  get list(): readonly string[] {
    const nowMs = this.#clock.nowMs()
    if (this.#list.length === 0 || nowMs - this.#readAtMs >= KEPT_MS) {
      this.#list = [...new Set(this.#read())]
      this.#readAtMs = nowMs
    }
    return this.#list
  }
}
