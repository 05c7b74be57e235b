import { metricText } from '../../model/simulation-text.ts'
import type { MetricSpec, SimulationRow, Spread } from '../../model/simulation.ts'
import { element, escaped } from './markup.ts'

const WIDTH = 640
const LABEL_WIDTH = 128
const VALUE_WIDTH = 132
const ROW_HEIGHT = 26

/** Colours of the series, by row; a row keeps its colour in every chart. */
const SERIES_COUNT = 8

/** The class that gives a row its colour. */
export function seriesClass(index: number): string {
  return `s${index % SERIES_COUNT}`
}

/** One bar for each strategy, best first, with the interval of its median as a line across the end. */
export function barChart(
  rows: readonly SimulationRow[],
  { name, unit, better }: MetricSpec & { name: keyof SimulationRow['metrics'] }
): string {
  const shown = rows
    .map((row, index) => ({ row, index, spread: row.metrics[name] }))
    .filter(({ spread }) => Number.isFinite(spread.median))
    .sort((a, b) => (better === 'less' ? 1 : -1) * (a.spread.median - b.spread.median))
  const most = Math.max(...shown.map(({ spread }) => spread.high), 1e-12)
  const scale = (value: number): number => LABEL_WIDTH + (value / most) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
  const height = shown.length * ROW_HEIGHT + 4
  const bars = shown.map(({ row, index, spread }, place) => {
    const middle = place * ROW_HEIGHT + ROW_HEIGHT / 2 + 2
    return [
      element('text', { x: LABEL_WIDTH - 10, y: middle, class: row.kind === 'baseline' ? 'label dim' : 'label' }, escaped(row.strategy)),
      element('rect', {
        x: LABEL_WIDTH,
        y: middle - 8,
        width: Math.max(1, scale(spread.median) - LABEL_WIDTH),
        height: 16,
        rx: 3,
        class: `bar ${seriesClass(index)}`
      }),
      whisker(spread, middle, scale),
      element('text', { x: scale(spread.high) + 10, y: middle, class: 'value' }, escaped(metricText(spread.median, unit)))
    ].join('')
  })
  return svg(height, bars.join(''))
}

function whisker({ low, high }: Spread, y: number, scale: (value: number) => number): string {
  if (high - low < 1e-12) return ''
  return (
    element('line', { x1: scale(low), x2: scale(high), y1: y, y2: y, class: 'whisker' }) +
    [low, high].map(value => element('line', { x1: scale(value), x2: scale(value), y1: y - 4, y2: y + 4, class: 'whisker' })).join('')
  )
}

/** Values over a common horizontal axis, one line for each row. */
export interface LineChart {
  /** Of one row, ascending in x. */
  readonly points: (row: SimulationRow) => readonly (readonly [x: number, y: number])[]
  readonly xTicks: readonly (readonly [at: number, label: string])[]
  readonly yTicks: readonly (readonly [at: number, label: string])[]
  readonly xTitle: string
  /** Every power of ten as high as the next. @default false */
  readonly logarithmic?: boolean
}

const PLOT = { left: 52, right: 12, top: 12, bottom: 40, height: 300 }

/** A chart of lines, each in the colour of its row, with its name as a tooltip. */
export function lineChart(rows: readonly SimulationRow[], { points, xTicks, yTicks, xTitle, logarithmic = false }: LineChart): string {
  const onScale = (value: number): number => (logarithmic ? Math.log10(Math.max(value, 1e-9)) : value)
  const xs = xTicks.map(([at]) => at)
  const ys = yTicks.map(([at]) => onScale(at))
  const [xLow, xHigh, yLow, yHigh] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const x = (value: number): number => PLOT.left + ((value - xLow) / (xHigh - xLow)) * (WIDTH - PLOT.left - PLOT.right)
  const y = (value: number): number => {
    const share = Math.min(1, Math.max(0, (onScale(value) - yLow) / (yHigh - yLow)))
    return PLOT.height - PLOT.bottom - share * (PLOT.height - PLOT.top - PLOT.bottom)
  }
  const grid = yTicks.map(
    ([at, label]) =>
      element('line', { x1: PLOT.left, x2: WIDTH - PLOT.right, y1: y(at), y2: y(at), class: 'grid' }) +
      element('text', { x: PLOT.left - 8, y: y(at), class: 'label dim' }, escaped(label))
  )
  const axis = xTicks.map(([at, label]) => element('text', { x: x(at), y: PLOT.height - PLOT.bottom + 18, class: 'tick' }, escaped(label)))
  const lines = rows.map((row, index) => {
    const path = points(row).map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
    const style = row.kind === 'baseline' ? ' dashed' : ''
    return element('path', { d: path.join(''), class: `line ${seriesClass(index)}${style}` }, element('title', {}, escaped(row.strategy)))
  })
  const title = element('text', { x: (PLOT.left + WIDTH) / 2, y: PLOT.height - 4, class: 'tick' }, escaped(xTitle))
  return svg(PLOT.height, [...grid, ...axis, title, ...lines].join(''))
}

function svg(height: number, content: string): string {
  return element('svg', { viewBox: `0 0 ${WIDTH} ${Math.ceil(height)}`, role: 'img' }, content)
}
