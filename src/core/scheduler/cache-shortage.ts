import type { CacheNeed } from '../../model/llc.ts'

/**
 * By what share a run takes longer where the last-level cache is short: `s · max(0, need − free) / need`, s the slowdown with next to none of what
 * it needs. Both are predictions: free is what those that run there are expected to leave. It is the same whether or not the peer divides its
 * cache: a division decides who is short, not whether there is enough. From 0 to `need.slowdown`.
 */
export function cacheShortage({ bytes, slowdown }: CacheNeed, freeBytes: number): number {
  if (freeBytes >= bytes || bytes <= 0) return 0
  return slowdown * (1 - Math.max(0, freeBytes) / bytes)
}
