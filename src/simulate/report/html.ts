import { bestMedian, intervalText, metricText, sceneText } from '../../model/simulation-text.ts'
import { INTERVAL_SEEDS_MIN, type MetricName, METRICS, type SimulationReport, type SimulationRow } from '../../model/simulation.ts'
import { barChart, lineChart, seriesClass } from './charts.ts'
import { element, escaped } from './markup.ts'
import { STYLE } from './style.ts'

/** The report as one HTML file that needs nothing else: no script, no font, no network. */
export function reportHtml(report: SimulationReport): string {
  const { rows } = report
  const isBatch = report.spanS === 0
  const charts = isBatch
    ? [bars(rows, 'makespanRatio'), bars(rows, 'waitMeanS'), overTime(report), bars(rows, 'starved')]
    : [bars(rows, 'slowdownMean'), quantiles(rows), bars(rows, 'slowdownP99'), bars(rows, 'coldShare'), overTime(report), bars(rows, 'usd')]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(report.workload)} - CARES simulation</title><style>${STYLE}</style></head>
<body><main>
<h1>Who places best?</h1>
<p class="scene">${escaped(sceneText(report))}</p>
<p class="verdict">${verdict(report, isBatch ? 'makespanRatio' : 'slowdownMean')}</p>
${card('All figures', seedsText(report), `<div class="scroll">${table(rows)}</div>`)}
<div class="cards">${charts.join('\n')}</div>
<div class="cards">
${card('Conditions', '', conditions(report))}
${card('What was assumed', '', list([...report.notes, ...measured(report).map(({ title, says }) => `${title}: ${says}`)]))}
</div>
</main></body></html>
`
}

function verdict({ rows, request }: SimulationReport, metric: MetricName): string {
  const [best, ...others] = [...rows]
    .filter(row => Number.isFinite(row.metrics[metric].median))
    .sort((a, b) => a.metrics[metric].median - b.metrics[metric].median)
  const spec = METRICS.find(({ name }) => name === metric)
  if (best === undefined || spec === undefined) return 'No call was answered.'
  const value = (row: SimulationRow): string => escaped(metricText(row.metrics[metric].median, spec.unit))
  const second = others[0]
  const rest = second === undefined ? '' : ` The next is ${escaped(second.strategy)} with ${value(second)}.`
  const overlaps = second !== undefined && second.metrics[metric].low <= best.metrics[metric].high
  const doubt = overlaps ? ' Their intervals overlap: more seeds would tell them apart better.' : ''
  if (request.runs === 1 && second !== undefined) {
    return `With this one seed, which says little of others, ${escaped(best.strategy)} has the least ${escaped(spec.title)}: ${value(best)}.${rest} With --runs 10 there is more to go by.`
  }
  return `<b>${escaped(best.strategy)}</b> has the best ${escaped(spec.title)}: ${value(best)}.${rest}${doubt}`
}

/** Metrics of which there is something to say: of admission, only where somebody asks for it. */
function measured({ rows }: Pick<SimulationReport, 'rows'>): readonly (typeof METRICS)[number][] {
  return METRICS.filter(({ name }) => rows.some(row => Number.isFinite(row.metrics[name].median)))
}

function table(rows: readonly SimulationRow[]): string {
  const shown = measured({ rows })
  const head = element(
    'tr',
    {},
    element('th', {}, 'strategy'),
    ...shown.map(({ title, says }) => element('th', { title: says }, escaped(title)))
  )
  const best = new Map(shown.map(spec => [spec.name, bestMedian(rows, spec)]))
  const body = rows.map((row, index) => {
    const cells = shown.map(({ name, unit }) => {
      const { median, low, high } = row.metrics[name]
      const range = high > low ? element('small', {}, escaped(`${metricText(low, unit)} – ${metricText(high, unit)}`)) : ''
      return element('td', median === best.get(name) ? { class: 'best' } : {}, escaped(metricText(median, unit)), range)
    })
    return element('tr', {}, element('th', {}, key(index), escaped(row.strategy)), ...cells)
  })
  return element('table', {}, element('thead', {}, head), element('tbody', {}, ...body))
}

function bars(rows: readonly SimulationRow[], metric: MetricName): string {
  const spec = METRICS.find(({ name }) => name === metric)
  return spec === undefined
    ? ''
    : card(spec.title, `${spec.says}${spec.better === 'neither' ? '' : `; ${spec.better} is better`}`, barChart(rows, spec))
}

/** Powers of ten that hold what slowdowns there are. */
const SLOWDOWN_TICKS = [0.1, 1, 10, 100, 1_000, 10_000]

function quantiles(rows: readonly SimulationRow[]): string {
  const most = Math.max(...rows.map(row => row.slowdownQuantiles[99] ?? 1))
  const ticks = SLOWDOWN_TICKS.filter((tick, i) => i === 0 || (SLOWDOWN_TICKS[i - 1] ?? 0) < most || tick <= 10)
  const chart = lineChart(rows, {
    points: row => row.slowdownQuantiles.slice(0, 100).map((value, percent) => [percent, value] as const),
    xTicks: [0, 25, 50, 75, 100].map(percent => [percent, `${percent} %`] as const),
    yTicks: ticks.map(tick => [tick, `${tick}`] as const),
    xTitle: 'share of calls with at most this slowdown',
    logarithmic: true
  })
  return card('Slowdown of all calls', 'first seed; lower lines are better', chart + legend(rows))
}

function overTime({ rows, spanS }: SimulationReport): string {
  const most = Math.max(1, ...rows.flatMap(row => row.coresOverTime))
  const longestS = Math.max(...rows.map(row => row.metrics.makespanS.median), spanS, 1e-3)
  const chart = lineChart(rows, {
    points: row =>
      row.coresOverTime.map((value, i) => [((i + 0.5) / row.coresOverTime.length) * row.metrics.makespanS.median, value] as const),
    xTicks: [0, 0.25, 0.5, 0.75, 1].map(share => [share * longestS, metricText(share * longestS, 's')] as const),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map(share => [share * most, metricText(share * most, '%')] as const),
    xTitle: 'virtual time'
  })
  return card('Cores asked for', 'first seed; above 100 % executions share cores', chart + legend(rows))
}

function legend(rows: readonly SimulationRow[]): string {
  return element('div', { class: 'legend' }, ...rows.map((row, index) => element('span', {}, key(index), escaped(row.strategy))))
}

function key(index: number): string {
  return element('span', { class: `key ${seriesClass(index)}` })
}

function card(title: string, says: string, content: string): string {
  return element(
    'section',
    { class: 'card' },
    element('h2', {}, escaped(title)),
    says === '' ? '' : element('p', {}, escaped(says)),
    content
  )
}

function estimatesText(estimates: 'learned' | number): string {
  return estimates === 'learned' ? 'learned by the predictor, from nothing' : `the truth with ${metricText(estimates, '%')} of noise`
}

/** See `SimulationRequest.cache`. */
const CACHES = { off: 'no matter', blind: 'shared, unknown to placers', known: 'shared, known to placers' } as const

function conditions(report: SimulationReport): string {
  const { request } = report
  const { estimates, load } = request
  const rows: readonly (readonly [string, string])[] = [
    ['seeds', request.runs === 1 ? String(request.seed) : `${request.seed} to ${request.seed + request.runs - 1}`],
    ['load', load === null ? 'arrivals as they are' : metricText(load, '%')],
    ['placers', String(request.placers)],
    ['gossip', `every ${request.gossipMs} ms, ${request.gossipDelayMs} ms under way, ${metricText(request.lossRatio, '%')} lost`],
    ['estimates', estimatesText(estimates ?? (report.spanS === 0 ? 0.25 : 'learned'))],
    ['prices of a core', request.priceSpread === 1 ? 'all the same' : `from 1 to ${request.priceSpread} times`],
    ['idle containers kept', `${request.keepAliveMs / 1_000} s of the trace's time`],
    ['crashes', `${request.crashesPerHour} of a peer in an hour`],
    ['outside CARES', `${metricText(request.outsideShare ?? 0, '%')} of the functions`],
    ['last-level cache', CACHES[request.cache ?? 'off']]
  ]
  return element('dl', {}, ...rows.flatMap(([name, value]) => [element('dt', {}, escaped(name)), element('dd', {}, escaped(value))]))
}

function list(items: readonly string[]): string {
  return element('ul', {}, ...items.map(item => element('li', {}, escaped(item))))
}

function seedsText({ request: { runs } }: SimulationReport): string {
  const marked = 'the best of each column is marked'
  if (runs === 1) return `one seed, which says little of others; ${marked}`
  const spread = intervalText(runs)
  return `medians over ${runs} seeds, ${runs < INTERVAL_SEEDS_MIN ? `and the values ${spread}` : `with ${spread}`}; ${marked}`
}
