/** Weight of the newest: after ten calls, nine tenths of what is known is of them. */
const NEWEST_WEIGHT = 0.2
/** Mean deviations below the mean that hardly a call stays under: one in eighteen of those that are spread normally. */
const DEVIATIONS = 2
/** Functions that are remembered; those that were called longest ago go first. */
const FUNCTIONS_MAX = 1_000

interface Known {
  readonly meanMs: number
  /** How far calls are from the mean, on average. */
  readonly deviationMs: number
}

/**
 * How long calls of each function have held their room lately: what a wait is predicted from, contention included. Mean and mean deviation move with
 * each call, as those of round trips do in TCP (RFC 6298).
 */
export class ServiceTimes {
  readonly #known = new Map<string, Known>()

  /** The mean, in milliseconds; undefined for a function that has not been seen. */
  of(key: string): number | undefined {
    return this.#known.get(key)?.meanMs
  }

  /** What hardly a call takes less than, in milliseconds: 0 for a function that has not been seen, or whose calls are as short as they are long. */
  leastOf(key: string): number {
    const known = this.#known.get(key)
    return known === undefined ? 0 : Math.max(0, known.meanMs - DEVIATIONS * known.deviationMs)
  }

  observe(key: string, heldMs: number): void {
    const known = this.#known.get(key)
    this.#known.delete(key)
    this.#known.set(key, known === undefined ? { meanMs: heldMs, deviationMs: heldMs / 2 } : moved(known, heldMs))
    const [oldest] = this.#known.keys()
    if (this.#known.size > FUNCTIONS_MAX && oldest !== undefined) this.#known.delete(oldest)
  }
}

function moved({ meanMs, deviationMs }: Known, heldMs: number): Known {
  return {
    meanMs: meanMs + NEWEST_WEIGHT * (heldMs - meanMs),
    deviationMs: deviationMs + NEWEST_WEIGHT * (Math.abs(heldMs - meanMs) - deviationMs)
  }
}
