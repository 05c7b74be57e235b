import { Ranked } from '../sorted-window.ts'
import { logSize } from '../window.ts'
import type { Expert } from './expert.ts'

/** Fewer neighbours would let one odd run decide, more would no longer be near. */
const NEIGHBOURS_MIN = 3
const NEIGHBOURS_MAX = 7

/**
 * The median of the nearest samples, each moved to the wanted size along the affine function of all: for what bends. About the root of the
 * number of samples are asked.
 */
export const local: Expert = (window, inputBytes) => {
  const { logSizes, values, bytes } = window
  const { fixed, perByte } = window.affine
  const size = logSize(inputBytes)
  const count = values.length
  const neighbours = Math.min(count, NEIGHBOURS_MAX, Math.max(NEIGHBOURS_MIN, Math.round(Math.sqrt(count))))
  const reach = reachOf(window.rankedSizes, size, neighbours)
  const wanted = fixed + perByte * inputBytes
  const moved = new Ranked()
  let { atReach } = reach
  // The newest first: of those that are as far away as the last neighbour, the older ones stay out.
  for (let i = count - 1; i >= 0 && moved.count < neighbours; i--) {
    const distance = Math.abs((logSizes[i] ?? 0) - size)
    if (distance > reach.distance || (distance === reach.distance && atReach-- <= 0)) continue
    moved.add(((values[i] ?? 0) * wanted) / (fixed + perByte * (bytes[i] ?? 0) || wanted || 1))
  }
  return moved.median ?? 0
}

/** How far away the last of so many neighbours is, and how many of them are just so far. Goes both ways from where the size would be. */
function reachOf(sizes: Ranked, size: number, neighbours: number): { distance: number; atReach: number } {
  let above = sizes.countBelow(size)
  let below = above - 1
  let distance = 0
  let atReach = 0
  for (let met = 0; met < neighbours; met++) {
    const down = below < 0 ? Number.POSITIVE_INFINITY : size - (sizes.at(below) ?? 0)
    const up = above === sizes.count ? Number.POSITIVE_INFINITY : (sizes.at(above) ?? 0) - size
    if (down < up) below--
    else above++
    const next = Math.min(down, up)
    atReach = next > distance ? 1 : atReach + 1
    distance = next
  }
  return { distance, atReach }
}
