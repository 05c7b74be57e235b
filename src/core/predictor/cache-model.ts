import type { CacheNeed } from '../../model/llc.ts'
import { type FittedNeed, fitNeed } from '../llc/cache-curve.ts'
import { Metric, SPACE } from './metric.ts'
import { RecentMap } from './recent-map.ts'
import { RecentMedian } from './recent-median.ts'
import { logSize } from './window.ts'

/** Sizes of input, by powers of two, of which runs with few and many ways are kept. A benchmark has a handful. */
const SIZES_MAX = 12

/** Amounts of cache that a function was tried with at one size: processors have up to 32 ways, and machines differ. */
const AMOUNTS_MAX = 64

/**
 * What is assumed where nothing was measured but the memory: a program touches little of it over and over. Also the most that an assumption may
 * claim, a quarter to a half of the cache of a small machine.
 */
const ASSUMED_BYTES_MAX = 8 * 2 ** 20

/** By what share a run is assumed to take longer without the cache it wants: enough to choose between equals, too little for more. */
const ASSUMED_SLOWDOWN = 0.05

/** The same where the processor counted that it does use the cache, but nobody has tried it with less. */
const COUNTED_SLOWDOWN = 0.1

/** What one function has been seen to want of the last-level cache, by size of its input. */
export class CacheModel {
  /** By power of two of the input, by bytes of cache, how long runs took. */
  readonly #confined = new RecentMap<number, RecentMap<number, RecentMedian>>(SIZES_MAX)
  readonly #fits = new Map<number, FittedNeed>()
  #used: Metric | undefined

  /** Takes in a run that had no more than so much of the cache. */
  learnConfined(inputBytes: number, cacheBytes: number, runMs: number): void {
    const size = sizeClass(inputBytes)
    const amounts = this.#confined.get(size) ?? new RecentMap<number, RecentMedian>(AMOUNTS_MAX)
    const median = amounts.get(cacheBytes) ?? new RecentMedian()
    median.learn(Math.max(0.01, runMs))
    amounts.set(cacheBytes, median)
    this.#confined.set(size, amounts)
    const fit = fitNeed([...amounts].map(([bytes, { value }]) => ({ bytes, ms: value ?? 0 })))
    if (fit !== undefined) this.#fits.set(size, fit)
    if (this.#fits.size > SIZES_MAX) this.#forget()
  }

  /** Takes in what a run that nothing confined had of the cache at its end. That it wants as much is the most it can mean: the rest was free to take. */
  learnUsed(inputBytes: number, usedBytes: number): void {
    this.#used ??= new Metric(SPACE)
    this.#used.learn(inputBytes, usedBytes)
  }

  /** What a run is expected to want, by the best that is known; undefined where not even its memory is. */
  need(inputBytes: number, memoryPeakBytes: number | undefined): CacheNeed | undefined {
    const fit = this.#fitOf(inputBytes)
    if (fit !== undefined) return { ...fit, basis: 'ways' }
    const usedBytes = this.#used?.predict(inputBytes)
    if (usedBytes !== undefined) return { bytes: Math.round(usedBytes), slowdown: COUNTED_SLOWDOWN, basis: 'occupancy' }
    if (memoryPeakBytes === undefined) return undefined
    return { bytes: Math.round(Math.min(ASSUMED_BYTES_MAX, memoryPeakBytes)), slowdown: ASSUMED_SLOWDOWN, basis: 'assumed' }
  }

  /** For another image of the function: what was counted is a first guess, what was tried was tried with another program. */
  heir(): CacheModel {
    const heir = new CacheModel()
    heir.#used = this.#used?.heir()
    return heir
  }

  /** That of the size which came nearest. */
  #fitOf(inputBytes: number): FittedNeed | undefined {
    const size = sizeClass(inputBytes)
    let nearest: FittedNeed | undefined
    let least = Number.POSITIVE_INFINITY
    for (const [each, fit] of this.#fits) {
      if (Math.abs(each - size) >= least) continue
      least = Math.abs(each - size)
      nearest = fit
    }
    return nearest
  }

  #forget(): void {
    for (const size of this.#fits.keys()) if (this.#confined.get(size) === undefined) this.#fits.delete(size)
  }
}

function sizeClass(inputBytes: number): number {
  return Math.round(logSize(inputBytes) / Math.LN2)
}
