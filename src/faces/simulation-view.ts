import type { Cell, Table, TableView } from './table.ts'
import { type MetricName, METRICS, type SimulationReport } from '../model/simulation.ts'
import { bestMedian, intervalText, metricText, sceneText } from '../model/simulation-text.ts'
import { renderTable } from './table.ts'

/** What was replayed, the strategies with what was measured of them, and what to know of it. */
export function simulationLines(report: SimulationReport, view: TableView): string[] {
  return [sceneText(report), '', ...renderTable(reportTable(report, view), view), '', ...remarks(report, view)]
}

/** Metrics of the table; `-o wide` shows all. */
const SHOWN_OF_CALLS: readonly MetricName[] = [
  'slowdownMean',
  'slowdownP50',
  'slowdownP99',
  'waitMeanS',
  'coldShare',
  'utilisation',
  'usd',
  'starved'
]
const SHOWN_OF_BATCHES: readonly MetricName[] = [
  'makespanRatio',
  'makespanS',
  'waitMeanS',
  'slowdownMean',
  'utilisation',
  'loadDeviation',
  'starved'
]

/** The same of work outside CARES, where there is some. */
const SHOWN_OF_ADMISSION: readonly MetricName[] = ['outsideWaitS', 'outsideWaitErrorS', 'outsideRefused', 'overTarget']

/** The same where runs share caches. */
const SHOWN_OF_CACHE: readonly MetricName[] = ['cacheLoss']

/** The same where calls failed. */
const SHOWN_OF_FAILURES: readonly MetricName[] = ['failed']

function reportTable(
  { rows, runs, spanS, request: { outsideShare = 0, cache = 'off' } }: SimulationReport,
  { wide = false }: TableView
): Table {
  const shown = [
    ...(spanS === 0 ? SHOWN_OF_BATCHES : SHOWN_OF_CALLS),
    ...(mostFailed(runs) > 0 ? SHOWN_OF_FAILURES : []),
    ...(cache === 'off' ? [] : SHOWN_OF_CACHE),
    ...(outsideShare > 0 ? SHOWN_OF_ADMISSION : [])
  ]
  // What has the same value everywhere tells nothing apart, and is there for who asks for everything.
  const metrics = [...METRICS].sort((a, b) => place(shown, a.name) - place(shown, b.name))
  return {
    columns: [
      { title: 'STRATEGY' },
      ...metrics.map(({ name, title }) => ({ title: title.toUpperCase(), align: 'right' as const, wide: !shown.includes(name) }))
    ],
    rows: rows.map(row => [
      row.kind === 'baseline' ? { text: row.strategy, tone: 'dim' as const } : row.strategy,
      ...metrics.map((spec): Cell => {
        const { median, low, high } = row.metrics[spec.name]
        const spread = wide && high > low ? ` (${metricText(low, spec.unit)} to ${metricText(high, spec.unit)})` : ''
        const text = `${metricText(median, spec.unit)}${spread}`
        return median === bestMedian(rows, spec) ? { text, tone: 'good' } : text
      })
    ])
  }
}

function place(shown: readonly MetricName[], name: MetricName): number {
  const at = shown.indexOf(name)
  return at < 0 ? shown.length : at
}

/** The most calls that failed in one replay. */
function mostFailed(runs: SimulationReport['runs']): number {
  return Math.max(0, ...runs.map(({ metrics }) => metrics.failed))
}

function remarks({ request, notes, runs, calls }: SimulationReport, { wide = false }: TableView): string[] {
  const spread = wide ? `; in brackets: ${intervalText(request.runs)}` : ''
  const seeds =
    request.runs === 1
      ? `seed ${request.seed}: one says little of others`
      : `medians over seeds ${request.seed} to ${request.seed + request.runs - 1}${spread}`
  const failed = mostFailed(runs)
  const failures =
    failed === 0
      ? []
      : [`up to ${failed} of ${calls} calls failed, lost or too large for every peer: all else is of those that were answered`]
  return [seeds, ...failures, ...notes].map(remark => `- ${remark}`)
}
