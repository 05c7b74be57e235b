import type { AddressSorter } from '@libp2p/interface'
import { withoutPeer } from './addresses.ts'

/** Addresses remembered: the last of each of a hundred peers, tenfold. */
const ANSWERED_MAX = 1_024

/** Which addresses have answered before: they are dialled first, so that a peer with several does not cost a wait for the dead ones. */
export class Answered {
  readonly #addresses = new Set<string>()

  add(address: string): void {
    // Deleted first, so that the order is that of the last answer.
    this.#addresses.delete(address)
    this.#addresses.add(address)
    for (const oldest of this.#addresses) {
      if (this.#addresses.size <= ANSWERED_MAX) break
      this.#addresses.delete(oldest)
    }
  }

  /** Orders addresses that answered before others; else keeps the order in which the peer announced them. */
  readonly compare: AddressSorter = (a, b) => {
    const [aAnswered, bAnswered] = [a, b].map(({ multiaddr }) => this.#addresses.has(withoutPeer(multiaddr)))
    return aAnswered === bAnswered ? 0 : aAnswered === true ? -1 : 1
  }
}
