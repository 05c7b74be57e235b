import type { MetricSpec, SimulationReport } from './simulation.ts'

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

/** What was replayed on what, in one line: `azure-2019: 155469 calls of 200 functions in 58.5 min (x24.6), 50 peers with 302 cores`. */
export function sceneText({ workload, calls, functions, spanS, compression, peers, cores }: SimulationReport): string {
  const factor =
    compression > 1
      ? ` (${significant(compression)} times as close as traced)`
      : compression < 1
        ? ` (${significant(1 / compression)} times as far apart as traced)`
        : ''
  const within = spanS === 0 ? ' at once' : ` within ${spanS < 120 ? `${significant(spanS)} s` : `${significant(spanS / 60)} min`}${factor}`
  return `${workload}: ${calls} calls of ${functions} functions${within}, on ${peers} peers with ${significant(cores)} cores`
}

/** Three digits that matter, and all digits of whole numbers. */
function significant(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return String(Math.round(value))
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
