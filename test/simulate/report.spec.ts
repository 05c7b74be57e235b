import assert from 'node:assert/strict'
import type { SimulationReport, SimulationRequest } from '../../src/model/simulation.ts'
import { type MetricName, METRICS } from '../../src/model/simulation.ts'
import { bestMedian, metricText, sceneText } from '../../src/model/simulation-text.ts'
import { reportCsv } from '../../src/simulate/report/csv.ts'
import { reportHtml } from '../../src/simulate/report/html.ts'
import { element } from '../../src/simulate/report/markup.ts'
import { simulate, spreadOf } from '../../src/simulate/simulation.ts'

const REQUEST: SimulationRequest = {
  trace: 'steady',
  strategies: ['cost', 'power-of-two'],
  peers: 5,
  seed: 1,
  runs: 2,
  load: 0.5,
  callsMax: 300,
  gossipMs: 1_000,
  gossipDelayMs: 100,
  lossRatio: 0,
  placers: 1,
  estimates: null,
  priceSpread: 1,
  keepAliveMs: 600_000,
  crashesPerHour: 0
}

function reportOf(request: SimulationRequest): SimulationReport {
  const steps = simulate(request)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

describe('a simulation', () => {
  let report: SimulationReport
  before(() => {
    report = reportOf(REQUEST)
  })

  it('replays each strategy under each seed, with the load that was asked for', () => {
    assert.deepEqual(
      report.runs.map(({ strategy, seed }) => `${strategy} ${seed}`),
      ['cost 1', 'cost 2', 'power-of-two 1', 'power-of-two 2']
    )
    assert.deepEqual(
      report.rows.map(({ kind }) => kind),
      ['strategy', 'baseline']
    )
    // Arrivals are spread so that the work fills half of the cores in that time.
    const full = reportOf({ ...REQUEST, load: 1, runs: 1 })
    assert.ok(Math.abs(report.spanS / full.spanS - 2) < 1e-9)
  })

  it('measures everything it names', () => {
    // Of admission there is something to say only where somebody asks for it, and has to wait; of caches where they are shared.
    const asking = reportOf({ ...REQUEST, strategies: ['cost'], load: 1.2, outsideShare: 0.5, cache: 'known' })
    for (const { name } of METRICS) {
      const { median, low, high } = asking.rows[0]?.metrics[name] ?? { median: Number.NaN, low: 0, high: 0 }
      assert.ok(Number.isFinite(median) && low <= median && median <= high, name)
    }
    assert.equal(report.rows[0]?.slowdownQuantiles.length, 101)
    assert.equal(report.rows[0]?.coresOverTime.length, 120)
  })

  it('is a page that needs nothing else and escapes what it is told', () => {
    const html = reportHtml({ ...report, workload: '<script>alert(1)</script>' })
    assert.doesNotMatch(html, /<script|https?:\/\/|NaN|undefined/)
    assert.match(html, /has the best slowdown, mean/)
    for (const { name, title } of METRICS) {
      if (name !== 'makespanRatio') assert.equal(html.includes(`${title}:`), Number.isFinite(report.rows[0]?.metrics[name].median), title)
    }
  })

  it('calls two seeds what they are, and of one says that it says little', () => {
    assert.match(reportHtml(report), /medians over 2 seeds, and the values from the lowest to the highest/)
    assert.doesNotMatch(reportHtml(report), /95 %/)
    assert.match(reportHtml({ ...report, request: { ...REQUEST, runs: 6 } }), /medians over 6 seeds, with 95 % intervals \(bootstrap\)/)
    const one = reportHtml({ ...report, request: { ...REQUEST, runs: 1 } })
    assert.match(one, /With this one seed, which says little of others/)
    assert.doesNotMatch(one, /has the best/)
  })

  it('marks no utilisation as the best: at a given load it only tells how slow the work was', () => {
    const best = (name: MetricName): number => bestMedian(report.rows, METRICS.find(each => each.name === name) ?? METRICS[0])
    const [a, b] = report.rows.map(({ metrics }) => metrics.utilisation.median)
    assert.notEqual(a, b)
    assert.ok(Number.isNaN(best('utilisation')))
    assert.ok(Number.isFinite(best('throughput')) && Number.isFinite(best('slowdownMean')))
  })

  it('is lines with a cell for every heading', () => {
    const [head = '', ...lines] = reportCsv(report).trim().split('\n')
    assert.equal(lines.length, 4)
    for (const line of lines) assert.equal(line.split(',').length, head.split(',').length)
  })
})

describe('the text of a figure', () => {
  const rows: readonly (readonly [number, Parameters<typeof metricText>[1], string])[] = [
    [1.5, '', '1.50'],
    [12, '', '12'],
    [1_234.5, '', '1235'],
    [0.1234, '%', '12.3 %'],
    [0.00421, 'USD', '$0.00421'],
    [15.43, 's', '15.4 s'],
    [Number.NaN, 's', '–']
  ]
  for (const [value, unit, text] of rows) it(`${value} ${unit} is ${text}`, () => assert.equal(metricText(value, unit), text))

  it('says what was replayed', () => {
    const report = { workload: 'w', calls: 9, functions: 2, spanS: 600, compression: 24.61, peers: 3, cores: 16 } as SimulationReport
    assert.equal(sceneText(report), 'w: 9 calls of 2 functions within 10 min (24.6 times as close as traced), on 3 peers with 16 cores')
    const least = { ...report, calls: 1, functions: 1, peers: 1, cores: 1 }
    assert.equal(sceneText(least), 'w: 1 call of 1 function within 10 min (24.6 times as close as traced), on 1 peer with 1 core')
  })
})

describe('the interval of a median', () => {
  it('holds it, and is no wider than the values', () => {
    const { median, low, high } = spreadOf([5, 1, 4, 2, 3])
    assert.equal(median, 3)
    assert.ok(1 <= low && low <= 3 && 3 <= high && high <= 5)
    assert.deepEqual([low, high], [1, 5], 'of so few it is all there is')
    const many = spreadOf(Array.from({ length: 40 }, (_, i) => i))
    assert.ok(many.low > 0 && many.high < 39)
    assert.deepEqual(spreadOf([7]), { median: 7, low: 7, high: 7 })
  })
})

describe('markup', () => {
  it('escapes attributes', () => {
    assert.equal(element('p', { title: '"<&' }, 'x'), '<p title="&#34;&#60;&#38;">x</p>')
  })
})
