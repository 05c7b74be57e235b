import type { CacheNeed } from '../model/llc.ts'
import { formatBytes } from '../model/units.ts'

/** How each was found. None of them is what this very call will want. */
const BASES: Readonly<Record<CacheNeed['basis'], string>> = {
  assumed: 'assumed from its memory, not measured',
  occupancy: 'by what earlier runs held; how it takes less is assumed',
  ways: 'by runs with few and many ways'
}

/** What is expected of a function's cache, in one line: a prediction, and how it came about. */
export function cacheNeedText({ bytes, slowdown, basis }: CacheNeed): string {
  return `${formatBytes(bytes)} expected to be needed, up to ${Math.round(100 * slowdown)} % slower without (${BASES[basis]})`
}
