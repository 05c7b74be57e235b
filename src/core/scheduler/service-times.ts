/** Weight of the newest: after ten calls, nine tenths of what is known is of them. */
const NEWEST_WEIGHT = 0.2
/** Functions that are remembered; those that were called longest ago go first. */
const FUNCTIONS_MAX = 1_000

/** How long calls of each function have held their room lately: what a wait is predicted from, contention included. */
export class ServiceTimes {
  readonly #meanMs = new Map<string, number>()

  /** Milliseconds; undefined for a function that has not been seen. */
  of(key: string): number | undefined {
    return this.#meanMs.get(key)
  }

  observe(key: string, heldMs: number): void {
    const knownMs = this.#meanMs.get(key)
    this.#meanMs.delete(key)
    this.#meanMs.set(key, knownMs === undefined ? heldMs : knownMs + NEWEST_WEIGHT * (heldMs - knownMs))
    const [oldest] = this.#meanMs.keys()
    if (this.#meanMs.size > FUNCTIONS_MAX && oldest !== undefined) this.#meanMs.delete(oldest)
  }
}
