import { INTERVAL_SEEDS_MIN, type MetricName, type MetricSpec, type SimulationReport, type SimulationRow } from './simulation.ts'

/** A measured value as a reader wants it: `1.23`, `12.5 %`, `$0.0042`, `17 s`; a dash for what cannot be said. */
export function metricText(value: number, unit: MetricSpec['unit']): string {
  if (!Number.isFinite(value)) return '–'
  switch (unit) {
    case '%':
      return `${(100 * value).toFixed(1)} %`
    case 'USD':
      return `$${significant(value)}`
    case 's':
      return `${significant(value)} s`
    case '/s':
      return `${significant(value)}/s`
    case '':
      return significant(value)
  }
}

/** The median that is marked as the best; NaN where all are the same, or none is better than another. */
export function bestMedian(rows: readonly SimulationRow[], { name, better }: MetricSpec & { name: MetricName }): number {
  const medians = rows.map(row => row.metrics[name].median).filter(value => Number.isFinite(value))
  if (better === 'neither' || new Set(medians).size < 2) return Number.NaN
  return better === 'less' ? Math.min(...medians) : Math.max(...medians)
}

/** What the two values beside a median are: see `Spread`. */
export function intervalText(runs: number): string {
  return runs < INTERVAL_SEEDS_MIN ? 'from the lowest to the highest' : '95 % intervals (bootstrap)'
}

/** What was replayed on what, in one line: `azure-2019: 155469 calls of 200 functions in 58.5 min (x24.6), 50 peers with 302 cores`. */
export function sceneText({ workload, calls, functions, spanS, compression, peers, cores }: SimulationReport): string {
  const factor =
    compression > 1
      ? ` (${significant(compression)} times as close as traced)`
      : compression < 1
        ? ` (${significant(1 / compression)} times as far apart as traced)`
        : ''
  const within = spanS === 0 ? ' at once' : ` within ${spanS < 120 ? `${significant(spanS)} s` : `${significant(spanS / 60)} min`}${factor}`
  return `${workload}: ${counted(calls, 'call')} of ${counted(functions, 'function')}${within}, on ${counted(peers, 'peer')} with ${significant(cores)} ${cores === 1 ? 'core' : 'cores'}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Three digits that matter, and all digits of whole numbers. */
function significant(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return String(Math.round(value))
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
