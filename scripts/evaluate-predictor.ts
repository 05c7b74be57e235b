/*
 * How well the predictor would have done on a record of runs: npx node scripts/evaluate-predictor.ts RUNS.csv
 *   [--function fn] [--input input_bytes] [--time duration_ms] [--memory max_rss_kb] [--same-input 0.02] [--shuffles 0]
 * The options name the columns; of `_kb` columns the unit is 1024 bytes. Rows are taken in their order, or, with `--shuffles N`, in N seeded
 * random ones, which makes the figures of the first samples steadier.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Metric, type MetricKind, SPACE, TIME } from '../src/core/predictor/metric.ts'
import { createRandom } from '../src/model/random.ts'
import { evaluate, type Run, sameInputFloor } from './evaluate/prequential.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    function: { type: 'string', default: 'fn' },
    input: { type: 'string', default: 'input_bytes' },
    time: { type: 'string', default: 'duration_ms' },
    memory: { type: 'string', default: 'max_rss_kb' },
    'same-input': { type: 'string', default: '0.02' },
    shuffles: { type: 'string', default: '0' }
  }
})
const [path] = positionals
if (path === undefined) {
  console.error(
    'usage: npx node scripts/evaluate-predictor.ts RUNS.csv [--function COLUMN] [--input COLUMN] [--time COLUMN] [--memory COLUMN]'
  )
  process.exit(2)
}
const shuffles = Number(options.shuffles)
const rows = readRows(readFileSync(path, 'utf8'))
report('run time', options.time, TIME)
report('peak memory', options.memory, SPACE)

function report(title: string, column: string, kind: MetricKind): void {
  const unit = column.endsWith('_kb') ? 1_024 : 1
  const runs = rows.map(
    (row): Run => ({
      function: text(row, options.function),
      inputBytes: number(row, options.input),
      value: unit * number(row, column)
    })
  )
  const floor = sameInputFloor(runs, Number(options['same-input']))
  console.log(`\n${title}: ${runs.length} runs; floor (median of runs of the same input size) ${percent(floor)}`)
  console.log(['samples', 'predicted', 'MdAPE', 'P90', 'bound misses', 'bound/actual'].map(cell => cell.padStart(13)).join(''))
  const orders = shuffles === 0 ? [runs] : Array.from({ length: shuffles }, (_, seed) => shuffled(runs, seed))
  // The same function in another order is another function: nothing of it is known yet.
  const all = orders.flatMap((order, i) => order.map(run => ({ ...run, function: `${run.function} ${i}` })))
  for (const { samples, predictions, medianError, p90Error, misses, allocated } of evaluate(all, () => new Metric(kind))) {
    const cells = [samples, String(predictions), percent(medianError), percent(p90Error), percent(misses), allocated.toFixed(2)]
    console.log(cells.map(cell => cell.padStart(13)).join(''))
  }
}

function shuffled(runs: readonly Run[], seed: number): Run[] {
  const random = createRandom(seed)
  return runs
    .map(run => ({ run, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ run }) => run)
}

/** Rows by column name; no quoting, as records of numbers need none. */
function readRows(csv: string): ReadonlyMap<string, string>[] {
  const [header = '', ...lines] = csv.trim().split(/\r?\n/)
  const columns = header.split(',')
  return lines.map(line => new Map(line.split(',').map((cell, i) => [columns[i] ?? '', cell])))
}

function text(row: ReadonlyMap<string, string>, column: string): string {
  const cell = row.get(column)
  if (cell !== undefined) return cell
  console.error(`there is no column ${column}; the columns are ${[...row.keys()].join(', ')}`)
  process.exit(2)
}

function number(row: ReadonlyMap<string, string>, column: string): number {
  const value = Number(text(row, column))
  if (Number.isFinite(value)) return value
  console.error(`${column} is not a number in some row: ${row.get(column)}`)
  process.exit(2)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
