import type { FunctionHistoryItem, PeerHistoryItem, StatsHistoryBody } from '../model/rest-telemetry.ts'
import type { PeerStatsItem } from '../model/rest.ts'
import { formatBytes, formatDurationMs } from '../model/units.ts'
import { historyScope } from './history-scope.ts'
import { spark } from './spark.ts'
import { renderTable, type Table, type TableView } from './table.ts'
import { oneDecimal, percent } from './text.ts'

/** Characters that a row of numbers by time takes. */
const SPARK_WIDTH = 14

/** What has been, as rows: peers, then functions. `peers` are as they are now: their capacity is what fills a row. */
export function historyLines(history: StatsHistoryBody, peers: readonly PeerStatsItem[], view: TableView): string[] {
  if (history.steps === 0) return ['nothing yet: the peer that was asked has just started']
  const functions = history.functions.length === 0 ? [] : ['', ...renderTable(functionsTable(history, view), view)]
  return [
    `the last ${formatDurationMs(history.steps * history.stepMs)} in steps of ${formatDurationMs(history.stepMs)}; calls: ${historyScope(history)}`,
    '',
    ...renderTable(peersTable(history.peers, peers, view), view),
    ...functions
  ]
}

function peersTable(items: readonly PeerHistoryItem[], peers: readonly PeerStatsItem[], { unicode }: TableView): Table {
  return {
    columns: [
      { title: 'PEER', shrinks: true },
      { title: 'CPU', align: 'right' },
      { title: '' },
      { title: 'MEM', align: 'right' },
      { title: '' },
      { title: 'PEAK', align: 'right' },
      { title: 'OK', align: 'right' },
      { title: 'FAILED', align: 'right' }
    ],
    rows: items.map(item => {
      const capacity = peers.find(({ id }) => id === item.id)?.capacity
      const row = (values: PeerHistoryItem['cpusUsed'], max: number | undefined): string =>
        spark(values, { width: SPARK_WIDTH, max, unicode })
      const [cpus, memory] = [last(item.cpusUsed), last(item.memoryUsedBytes)]
      return [
        item.name,
        cpus === null ? '-' : capacity === undefined ? oneDecimal(cpus) : percent(cpus, capacity.cpus),
        row(item.cpusUsed, capacity?.cpus),
        memory === null ? '-' : capacity === undefined ? formatBytes(memory) : percent(memory, capacity.memoryBytes),
        row(item.memoryUsedBytes, capacity?.memoryBytes),
        String(Math.ceil(Math.max(0, ...item.running.map(value => value ?? 0)))),
        String(sum(item.succeeded)),
        String(sum(item.failed))
      ]
    })
  }
}

function functionsTable({ functions, steps, stepMs }: StatsHistoryBody, { unicode }: TableView): Table {
  return {
    columns: [
      { title: 'FUNCTION', shrinks: true },
      { title: 'CALLS', align: 'right' },
      { title: 'CALLS/S', align: 'right' },
      { title: '' },
      { title: 'FAILED', align: 'right' },
      { title: 'COLD', align: 'right' },
      { title: 'P95', align: 'right' },
      { title: '' }
    ],
    rows: functions.map(({ name, calls, p95Ms, overall: { calls: count, failed, cold, p95Ms: p95 } }: FunctionHistoryItem) => [
      name,
      String(count),
      oneDecimal(count / ((steps * stepMs) / 1_000)),
      spark(calls, { width: SPARK_WIDTH, unicode }),
      percent(failed, count),
      percent(cold, count),
      p95 === null ? '-' : formatDurationMs(p95),
      spark(p95Ms, { width: SPARK_WIDTH, unicode })
    ])
  }
}

/** The newest number that is known. */
function last(values: readonly (number | null)[]): number | null {
  return values.findLast(value => value !== null) ?? null
}

function sum(values: readonly (number | null)[]): number {
  return Math.round(values.reduce<number>((total, value) => total + (value ?? 0), 0))
}
