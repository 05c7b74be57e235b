import type { EventItem } from '../../../model/rest.ts'

/** One call that has ended, as far as charts need it. */
export interface EndedCall {
  readonly atMs: number
  readonly totalMs: number
  readonly ok: boolean
  readonly function: string
}

/** Calls remembered for charts: five minutes of some 15 calls a second, and less of more. */
export const ENDED_MAX = 5_000

/** Latency over time: equal spans, each with the middle and the 95th percentile of its calls; null where none ended. */
export interface LatencySeries {
  /** End of each span, in seconds since 1970. */
  readonly timesS: readonly number[]
  readonly p50Ms: readonly (number | null)[]
  readonly p95Ms: readonly (number | null)[]
}

/** The calls among `events` that have ended. */
export function endedCalls(events: readonly EventItem[]): readonly EndedCall[] {
  return events.flatMap(event => {
    if (event.type !== 'invocation:finished') return []
    const { totalMs, code } = event.data
    return [{ atMs: Date.parse(event.at), totalMs, ok: code === null, function: event.data.function }]
  })
}

/** Latency of the spans that end by `nowMs`; a span keeps its bounds as time goes on, so that a chart moves in steps and does not shimmer. */
export function latencySeries(
  calls: readonly EndedCall[],
  { nowMs, spanMs, spans }: { nowMs: number; spanMs: number; spans: number }
): LatencySeries {
  const last = Math.floor(nowMs / spanMs)
  const first = last - spans + 1
  const byspan = Array.from({ length: spans }, (): number[] => [])
  for (const { atMs, totalMs } of calls) byspan[Math.floor(atMs / spanMs) - first]?.push(totalMs)
  const sorted = byspan.map(values => values.toSorted((a, b) => a - b))
  return {
    timesS: byspan.map((_, i) => ((first + i + 1) * spanMs) / 1_000),
    p50Ms: sorted.map(values => quantile(values, 0.5)),
    p95Ms: sorted.map(values => quantile(values, 0.95))
  }
}

/** The value below which `part` (0 to 1) of the sorted values lie, by the nearest rank; null of none. */
export function quantile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? null
}
