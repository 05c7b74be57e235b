import { relativeTime } from '../../core/llc/cache-curve.ts'
import type { CacheNeed } from '../../model/llc.ts'
import { createRandom } from '../../model/random.ts'

/** What the cache of a machine amounts to for each of its cores: from 1.5 to 4 MiB in servers of the last years. */
const BYTES_PER_CORE = 4 * 2 ** 20

/** The cache for which needs are stated. They are of functions, not of machines, so it is the same for all: that of 8 cores. */
const REFERENCE_BYTES = 8 * BYTES_PER_CORE

/** A third of the functions gain next to nothing by cache; of the others the most sensitive take twice as long without. */
const INSENSITIVE_SHARE = 1 / 3
const SLOWDOWN_MOST = 1

/** A run that takes this much longer than with all of the cache has enough of it: see `CacheNeed`. */
const ENOUGH_RATIO = 1.05

/** Whether runs are slowed down by others in their cache, and whether placers know who needs how much. */
export const CACHE_MODELS = ['off', 'blind', 'known'] as const
export type CacheModelName = (typeof CACHE_MODELS)[number]

/** How functions of a workload take a lack of cache. */
export interface CacheTraits {
  /** The factor of the curve, see `relativeTime`. */
  readonly steepness: number
  readonly need: CacheNeed
}

/** The last-level cache of a machine. */
export function cacheBytesOf({ cpus }: { readonly cpus: number }): number {
  return cpus * BYTES_PER_CORE
}

/** Traits for so many functions. No trace tells of them: they are drawn, and the same for all strategies under one seed. */
export function drawTraits(functions: number, seed: number): readonly CacheTraits[] {
  const random = createRandom(seed + 0x11c)
  return Array.from({ length: functions }, () => {
    const isSensitive = random() >= INSENSITIVE_SHARE
    return traitsOf(isSensitive ? SLOWDOWN_MOST * random() : 0)
  })
}

/** The traits that go with a steepness: the curve's own knee, and how much longer a run takes with next to nothing. */
export function traitsOf(steepness: number): CacheTraits {
  const whole = relativeTime(steepness, REFERENCE_BYTES)
  let [low, high] = [0, REFERENCE_BYTES]
  // The curve falls, so halving finds the knee; 40 times, to less than a byte.
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (relativeTime(steepness, middle) <= ENOUGH_RATIO * whole) high = middle
    else low = middle
  }
  return { steepness, need: { bytes: Math.round(high), slowdown: relativeTime(steepness, 0) / whole - 1, basis: 'ways' } }
}

/**
 * The last-level cache of one simulated machine, which nobody divides: who runs there has a part of it in proportion to its need. How much
 * longer a run takes for that is settled when it begins, by who is there then: those that are there already are not slowed down by it, as it is
 * not by those that come later. With arrivals at random both come to the same on average.
 */
export class SharedCache {
  readonly #bytes: number
  /** Of all that run there. A run without a need still takes its line now and then: it counts as a byte. */
  #neededBytes = 0

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** What those that run there need together. */
  get neededBytes(): number {
    return this.#neededBytes
  }

  /** A run begins. Returns by what factor it takes longer than with the cache to itself: at least 1. */
  enter({ steepness, need }: CacheTraits): number {
    const bytes = Math.max(1, need.bytes)
    this.#neededBytes += bytes
    const share = this.#bytes * (bytes / this.#neededBytes)
    return Math.max(1, relativeTime(steepness, share) / relativeTime(steepness, this.#bytes))
  }

  /** A run has ended. */
  leave({ need }: CacheTraits): void {
    this.#neededBytes -= Math.max(1, need.bytes)
  }

  /** Nobody is there any more. */
  clear(): void {
    this.#neededBytes = 0
  }
}
