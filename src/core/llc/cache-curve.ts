/** Median run time with this much of the cache. */
export interface CachePoint {
  readonly bytes: number
  readonly ms: number
}

/** See `CacheNeed`. */
export interface FittedNeed {
  readonly bytes: number
  readonly slowdown: number
}

/** The curve is over MiB, not over ways, so that it holds for machines whose ways differ in size. */
const UNIT_BYTES = 2 ** 20

/** A run that takes this much longer than with all of the cache has enough of it. */
const TOLERANCE_RATIO = 0.05

/** Least share of the variation of the times (R²) that a fitted curve must explain. Below it, the times fall in steps, or not at all. */
const FIT_QUALITY_MIN = 0.8

/** The largest measured size must be this many times the smallest, or nothing was compared. */
const SPREAD_MIN = 2

/**
 * Time with so much of the cache, against all there could be: `1 + s / (1 + √(c − 1))`, c in MiB and at least 1, s the slowdown with next to none.
 * The curve is that of Fsched, which measured it on ways of one machine; by size it holds for machines with other ways.
 */
export function relativeTime(slowdown: number, bytes: number): number {
  return 1 + slowdown * falling(bytes)
}

/**
 * What a function needs, by runs with some of the cache and with more: the knee of `t(c) = a + b / (1 + √(c − 1))` with `b ≥ 0`, fitted by least
 * squares of the relative errors. Where that explains too little, the medians themselves, made to fall (pool adjacent violators), say it.
 *
 * Undefined where the sizes are too much alike to compare.
 */
export function fitNeed(points: readonly CachePoint[]): FittedNeed | undefined {
  const sorted = [...points].sort((a, b) => a.bytes - b.bytes)
  const [first, last] = [sorted[0], sorted.at(-1)]
  if (first === undefined || last === undefined || last.bytes < SPREAD_MIN * first.bytes) return undefined
  const times = curveTimes(sorted) ?? fallingTimes(sorted)
  const most = times.at(-1) ?? last.ms
  const enough = (1 + TOLERANCE_RATIO) * most
  const at = times.findIndex(ms => ms <= enough)
  const bytes = at <= 0 ? first.bytes : between(sorted, times, at, enough)
  return { bytes: Math.round(bytes), slowdown: Math.max(0, (times[0] ?? most) / most - 1) }
}

function falling(bytes: number): number {
  return 1 / (1 + Math.sqrt(Math.max(1, bytes / UNIT_BYTES) - 1))
}

/** The fitted curve at the points; undefined where it does not fit. */
function curveTimes(points: readonly CachePoint[]): number[] | undefined {
  let [w, wf, wff, wt, wft] = [0, 0, 0, 0, 0]
  for (const { bytes, ms } of points) {
    const weight = 1 / ms ** 2
    const f = falling(bytes)
    w += weight
    wf += weight * f
    wff += weight * f * f
    wt += weight * ms
    wft += weight * f * ms
  }
  const determinant = w * wff - wf * wf
  if (determinant <= 1e-9 * w * wff) return undefined
  const b = Math.max(0, (w * wft - wf * wt) / determinant)
  const a = (wt - b * wf) / w
  const mean = wt / w
  const times = points.map(({ bytes }) => a + b * falling(bytes))
  let [unexplained, all] = [0, 0]
  for (const [i, { ms }] of points.entries()) {
    unexplained += ((ms - (times[i] ?? 0)) / ms) ** 2
    all += ((ms - mean) / ms) ** 2
  }
  return a > 0 && all > 0 && 1 - unexplained / all >= FIT_QUALITY_MIN ? times : undefined
}

/** The times, with each stretch in which more cache seemed to take longer evened out. */
function fallingTimes(points: readonly CachePoint[]): number[] {
  const blocks: { sum: number; count: number }[] = []
  for (const { ms } of points) {
    let block = { sum: ms, count: 1 }
    for (let before = blocks.at(-1); before !== undefined && before.sum / before.count < block.sum / block.count; before = blocks.at(-1)) {
      block = { sum: block.sum + before.sum, count: block.count + before.count }
      blocks.pop()
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
}

/** Where the time between two points comes down to what is enough. */
function between(points: readonly CachePoint[], times: readonly number[], at: number, enough: number): number {
  const [low, high] = [points[at - 1]?.bytes ?? 0, points[at]?.bytes ?? 0]
  const [slow, quick] = [times[at - 1] ?? enough, times[at] ?? enough]
  return slow === quick ? high : low + ((high - low) * (slow - enough)) / (slow - quick)
}
