import { formatBytes, formatDurationMs } from '../model/units.ts'
import { renderTable, type TableView } from './table.ts'

/** Runs of a function with one size of input. */
export interface BenchPoint {
  readonly inputBytes: number
  /** Of warm starts; milliseconds. */
  readonly runsMs: readonly number[]
  /** Null where no run has come to its end. */
  readonly medianMs: number | null
  /** Why some runs, or all, are not there. */
  readonly missing?: string | undefined
  /** What the cluster expects of this size now, on the peer that it would choose. */
  readonly predictedMs: number | null
  readonly upperMs: number | null
  readonly memoryPeakBytes: number | null
}

/** What a benchmark has found. */
export interface Bench {
  readonly function: string
  readonly revision: number
  /** Which expert has the word, and on how many executions it rests. */
  readonly basis: string
  readonly samples: number
  readonly points: readonly BenchPoint[]
}

const PLOT_ROWS = 12
const PLOT_COLUMNS = 56

/** The measured medians and the curve that the cluster has fitted to them: as numbers, and drawn with letters. */
export function benchLines({ function: name, revision, basis, samples, points }: Bench, view: TableView): string[] {
  const table = renderTable(
    {
      columns: [
        { title: 'INPUT', align: 'right' },
        { title: 'RUNS', align: 'right' },
        { title: 'LEAST', align: 'right' },
        { title: 'MEDIAN', align: 'right' },
        { title: 'MOST', align: 'right' },
        { title: 'PREDICTED', align: 'right' },
        { title: 'BOUND', align: 'right' },
        { title: 'MEMORY', align: 'right' }
      ],
      rows: points.map(({ inputBytes, runsMs, medianMs, predictedMs, upperMs, memoryPeakBytes }) => [
        formatBytes(inputBytes),
        String(runsMs.length),
        durationOf(Math.min(...runsMs)),
        durationOf(medianMs),
        durationOf(Math.max(...runsMs)),
        predictedMs === null ? '-' : formatDurationMs(predictedMs),
        upperMs === null ? '-' : formatDurationMs(upperMs),
        memoryPeakBytes === null ? '-' : formatBytes(memoryPeakBytes)
      ])
    },
    view
  )
  return [
    `${name} r${revision}: run time by size of input`,
    '',
    ...table,
    '',
    ...plot(points.filter(isMeasured)),
    '',
    ...points.flatMap(({ inputBytes, missing }) =>
      missing === undefined ? [] : [`! runs with ${formatBytes(inputBytes)} are missing: ${missing}`]
    ),
    `The curve is ${basis}, from ${samples} runs.`
  ]
}

/** A point with a run. */
type MeasuredPoint = BenchPoint & { readonly medianMs: number }

function isMeasured(point: BenchPoint): point is MeasuredPoint {
  return point.medianMs !== null
}

function durationOf(ms: number | null): string {
  return ms === null || !Number.isFinite(ms) ? '-' : formatDurationMs(ms)
}

/** Medians as `o`, the predicted curve as `·`, both axes logarithmic: a power of the size is a straight line. */
function plot(points: readonly MeasuredPoint[]): string[] {
  const times = points.flatMap(({ medianMs, predictedMs }) => [medianMs, predictedMs ?? medianMs]).map(ms => Math.log(Math.max(ms, 1e-3)))
  const sizes = points.map(({ inputBytes }) => Math.log(1 + inputBytes))
  const [low, high] = [Math.min(...times), Math.max(...times)]
  const [first, last] = [Math.min(...sizes), Math.max(...sizes)]
  const column = (size: number): number => (last === first ? 0 : Math.round(((size - first) / (last - first)) * (PLOT_COLUMNS - 1)))
  const row = (time: number): number => (high === low ? 0 : Math.round(((time - low) / (high - low)) * (PLOT_ROWS - 1)))
  const cells = Array.from({ length: PLOT_ROWS }, () => Array.from({ length: PLOT_COLUMNS }, () => ' '))
  const draw = (size: number, time: number, letter: string): void => {
    const line = cells[row(time)]
    if (line !== undefined) line[column(size)] = letter
  }
  for (const [i, point] of points.entries()) {
    const next = points[i + 1]
    if (point.predictedMs === null || next?.predictedMs == null) continue
    const [from, to] = [sizes[i] ?? first, sizes[i + 1] ?? last]
    const [a, b] = [Math.log(Math.max(point.predictedMs, 1e-3)), Math.log(Math.max(next.predictedMs, 1e-3))]
    const steps = Math.max(1, column(to) - column(from))
    for (let step = 0; step <= steps; step++) draw(from + ((to - from) * step) / steps, a + ((b - a) * step) / steps, '·')
  }
  for (const [i, { medianMs }] of points.entries()) draw(sizes[i] ?? first, Math.log(Math.max(medianMs, 1e-3)), 'o')
  const labels = cells.map((_, at) =>
    at === PLOT_ROWS - 1 ? formatDurationMs(Math.exp(high)) : at === 0 ? formatDurationMs(Math.exp(low)) : ''
  )
  const width = Math.max(...labels.map(label => label.length))
  const [smallest, largest] = [points[0]?.inputBytes ?? 0, points.at(-1)?.inputBytes ?? 0]
  const axis = `${formatBytes(smallest)}${formatBytes(largest).padStart(PLOT_COLUMNS - formatBytes(smallest).length)}`
  return [
    ...cells.map((line, at) => `${(labels[at] ?? '').padStart(width)} │${line.join('')}`.trimEnd()).reverse(),
    `${''.padStart(width)} └${'─'.repeat(PLOT_COLUMNS)}`,
    `${''.padStart(width)}  ${axis}   o measured  · predicted`
  ]
}
