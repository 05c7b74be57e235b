import { CaresError } from '../../model/errors.ts'

/** Connections of one service at one peer: each may have 256 KiB on its way, and half of {@link ALL_MAX} leaves the other half to others. */
const EACH_MAX = 512
/** Connections of all services at one peer: as many as a lane carries. */
const ALL_MAX = 1_024

/** How many connections to services this peer has, of each and in all, so that there are never too many. */
export class ConnectionQuota<Key> {
  readonly #counts = new Map<Key, number>()
  #all = 0

  /** Room for one connection, until it is disposed of. Throws `overloaded`. */
  take(key: Key): Disposable {
    const count = this.#counts.get(key) ?? 0
    if (count >= EACH_MAX || this.#all >= ALL_MAX) {
      throw new CaresError('overloaded', `this peer has ${count} connections for the service, and ${this.#all} for all`, {
        retryable: true
      })
    }
    this.#counts.set(key, count + 1)
    this.#all++
    return {
      [Symbol.dispose]: () => {
        this.#all--
        const left = (this.#counts.get(key) ?? 1) - 1
        if (left > 0) this.#counts.set(key, left)
        else this.#counts.delete(key)
      }
    }
  }
}
