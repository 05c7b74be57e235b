import { SortedWindow } from './sorted-window.ts'

/** Ratios of what was to what was predicted that a bound rests on. */
const RATIOS_MAX = 40

/** With fewer, nothing can be said of rare ones. */
const RATIOS_MIN = 5

/** Beyond the largest ratio that was met. */
const MARGIN_RATIO = 1.1

/** The share of misses that is aimed at. */
const MISSES_TARGET = 0.05

/** How fast the aim follows the misses, and how far it may go. */
const STEP = 0.02
const SHARE_MIN = 0.005
const SHARE_MAX = 0.2

/**
 * How many times a prediction must be taken to hold for all but about 5 % of the cases: a high quantile of recent ratios (conformal
 * prediction), the quantile itself moved after each miss (adaptive conformal inference, Gibbs and Candès 2021), so that the share holds
 * though the function changes.
 */
export class Bound {
  readonly #ratios = new SortedWindow(RATIOS_MAX)
  #share = MISSES_TARGET
  #factor: number

  /** @param firstFactor the factor until there are ratios enough to tell */
  constructor(firstFactor: number) {
    this.#factor = firstFactor
  }

  /** At least 1. */
  get factor(): number {
    return this.#factor
  }

  /** Takes in `actual / predicted`. */
  learn(ratio: number): void {
    if (this.#ratios.count >= RATIOS_MIN) {
      const miss = ratio > this.#factor ? 1 : 0
      this.#share = Math.min(SHARE_MAX, Math.max(SHARE_MIN, this.#share + STEP * (MISSES_TARGET - miss)))
    }
    this.#ratios.push(ratio)
    const { count, most = 1 } = this.#ratios
    if (count < RATIOS_MIN) return
    const rank = Math.ceil((1 - this.#share) * (count + 1))
    const quantile = rank > count ? MARGIN_RATIO * most : (this.#ratios.at(rank - 1) ?? 1)
    this.#factor = Math.max(1, quantile)
  }
}
