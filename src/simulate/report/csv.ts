import { METRICS, type SimulationReport } from '../../model/simulation.ts'

/** One line for each replay: strategy, seed, and every metric in its basic unit (shares from 0 to 1, seconds, dollars). */
export function reportCsv({ runs }: SimulationReport): string {
  const head = ['strategy', 'seed', 'calls', ...METRICS.map(({ name }) => name)]
  const lines = runs.map(({ strategy, seed, calls, metrics }) => [strategy, seed, calls, ...METRICS.map(({ name }) => cell(metrics[name]))])
  return [head, ...lines].map(cells => `${cells.join(',')}\n`).join('')
}

function cell(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : ''
}
