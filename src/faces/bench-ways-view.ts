import type { CacheNeed } from '../model/llc.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { cacheNeedText } from './cache-text.ts'
import { renderTable, type TableView } from './table.ts'

/** What a benchmark by ways of the last-level cache has found. */
export interface WaysBench {
  readonly function: string
  readonly revision: number
  /** Where it ran. */
  readonly peer: string
  readonly points: readonly {
    readonly inputBytes: number
    readonly ways: number
    /** Of the cache, what these ways are. */
    readonly llcBytes: number
    readonly runsMs: readonly number[]
    readonly medianMs: number
  }[]
  /** What the cluster makes of it. Null: nothing yet. */
  readonly needs: readonly { readonly inputBytes: number; readonly cache: CacheNeed | null }[]
}

/** The measured medians, against those with the most ways, and below what was learned from them. */
export function waysBenchLines({ function: name, revision, peer, points, needs }: WaysBench, view: TableView): string[] {
  const most = (inputBytes: number): number => points.find(point => point.inputBytes === inputBytes)?.medianMs ?? 0
  const table = renderTable(
    {
      columns: [
        { title: 'INPUT', align: 'right' },
        { title: 'WAYS', align: 'right' },
        { title: 'CACHE', align: 'right' },
        { title: 'RUNS', align: 'right' },
        { title: 'LEAST', align: 'right' },
        { title: 'MEDIAN', align: 'right' },
        { title: 'MOST', align: 'right' },
        { title: 'LONGER', align: 'right' }
      ],
      rows: points.map(({ inputBytes, ways, llcBytes, runsMs, medianMs }) => [
        formatBytes(inputBytes),
        String(ways),
        formatBytes(llcBytes),
        String(runsMs.length),
        formatDurationMs(Math.min(...runsMs)),
        formatDurationMs(medianMs),
        formatDurationMs(Math.max(...runsMs)),
        most(inputBytes) === 0 ? '-' : `${Math.round(100 * (medianMs / most(inputBytes) - 1))} %`
      ])
    },
    view
  )
  const learned = needs.map(
    ({ inputBytes, cache }) => `With ${formatBytes(inputBytes)}: ${cache === null ? 'nothing learned yet' : cacheNeedText(cache)}`
  )
  return [`${name} r${revision}: run time by ways of the last-level cache of ${peer}`, '', ...table, '', ...learned]
}
