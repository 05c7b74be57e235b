/**
 * A series of the history as one of seconds, oldest first, at most `max` of the newest: each step stands for as many seconds as it is long. What was
 * not known is left out at the beginning and counts as nothing behind it.
 */
export function historySeconds(series: readonly (number | null)[], { stepMs, max }: { stepMs: number; max: number }): readonly number[] {
  const perStep = Math.max(1, Math.round(stepMs / 1_000))
  const first = series.findIndex(value => value !== null)
  if (first === -1) return []
  return series
    .slice(first)
    .flatMap(value => Array<number>(perStep).fill(value ?? 0))
    .slice(-max)
}
