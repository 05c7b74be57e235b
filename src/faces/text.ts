import { formatDurationMs } from '../model/units.ts'

/** `00:41:07.312Z` of an RFC 3339 time, whose date the reader knows. */
export function timeOfDay(at: string): string {
  return /T(\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)\d*(Z)?/.exec(at)?.slice(1).join('') ?? at
}

/** Rows of `key  value` with the values below each other. */
export function keyed(rows: readonly (readonly [key: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([key]) => key.length))
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${value}`.trimEnd())
}

/** `26%` of a whole; `-` where there is none. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Math.round(100 * ratio(part, whole))}%`
}

/** The part of a whole, 0 where there is none. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

/** How long ago an RFC 3339 time was, for a table cell. Clocks of machines differ: a time in the future is now. */
export function formatAge(at: string, nowMs: number): string {
  const ageMs = nowMs - Date.parse(at)
  return Number.isNaN(ageMs) ? '-' : formatDurationMs(Math.max(0, Math.floor(ageMs / 1_000) * 1_000))
}

/** `1.5`, and `4` for 4.0. */
export function oneDecimal(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '')
}
