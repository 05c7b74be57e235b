import type { StatsHistoryBody } from '../../model/rest-telemetry.ts'

/** A stretch of time that charts show. */
export interface Range {
  readonly title: string
  /** As the API takes it. */
  readonly since: string
  readonly spanS: number
  /** Between two questions: a step of the answer. */
  readonly everyMs: number
}

/** What can be chosen, the first unless it is. */
export const RANGES: readonly [Range, ...Range[]] = [
  { title: '5 min', since: '5m', spanS: 300, everyMs: 5_000 },
  { title: '1 h', since: '1h', spanS: 3_600, everyMs: 15_000 },
  { title: '24 h', since: '24h', spanS: 86_400, everyMs: 60_000 }
]

/** The values of one line. */
export type Values = readonly (number | null)[]

/** The end of each step, in seconds since 1970. */
export function timesOf({ at, stepMs, steps }: Pick<StatsHistoryBody, 'at' | 'stepMs' | 'steps'>): readonly number[] {
  const endMs = Date.parse(at)
  return Array.from({ length: steps }, (_, index) => (endMs - (steps - 1 - index) * stepMs) / 1_000)
}

/** Several lines as one: their sum, null where all of them are. */
export function summed(lines: readonly Values[]): Values {
  const longest = Math.max(0, ...lines.map(values => values.length))
  return Array.from({ length: longest }, (_, index) => {
    const known = lines.flatMap(values => values[index] ?? [])
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
  })
}

/** What was counted in each step, a second. */
export function perSecond(counts: Values, stepMs: number): Values {
  return counts.map(count => (count === null ? null : (count * 1_000) / stepMs))
}

/** Each value as a part of a whole, in percent. */
export function inPercent(values: Values, whole: number): Values {
  return values.map(value => (value === null || whole === 0 ? null : (100 * value) / whole))
}

/** The functions that were called most in the time, at most `count`. */
export function busiest({ functions }: Pick<StatsHistoryBody, 'functions'>, count: number): StatsHistoryBody['functions'] {
  return functions
    .filter(({ overall }) => overall.calls > 0)
    .sort((a, b) => b.overall.calls - a.overall.calls)
    .slice(0, count)
}
