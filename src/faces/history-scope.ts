import type { StatsHistoryBody } from '../model/rest-telemetry.ts'

/** More names would not fit beside a chart. */
const NAMES_MAX = 3

/** Whose calls a history tells. */
export function historyScope({ missing }: Pick<StatsHistoryBody, 'missing'>): string {
  if (missing.length === 0) return 'whole cluster'
  const names = missing.length <= NAMES_MAX ? missing.map(({ name }) => name).join(', ') : `${missing.length} peers`
  return `without ${names}, not answering`
}
