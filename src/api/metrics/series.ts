import { Counter, Gauge, type Registry } from 'prom-client'

/** One number of a metric, and its labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Declares a metric whose samples are read when somebody asks for them. */
export type Declare = (name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]) => void

/** What the metrics of a peer are declared with. */
export interface Series {
  readonly gauge: Declare
  readonly counter: Declare
  /** The label of a function: its name, or `other`. */
  readonly functionLabel: (name: string) => string
}

/** Functions with series of their own; those beyond it are counted together as `other`, or a busy cluster would fill its own monitoring. */
const FUNCTION_LABELS_MAX = 256

/** Declares metrics in a registry. */
export function createSeries(registry: Registry): Series {
  const declare =
    (Metric: typeof Gauge | typeof Counter): Declare =>
    (name, help, labelNames, read) => {
      const collect = (): void => {
        metric.reset()
        // Series that share a label, as all functions called `other` do, add up.
        for (const [labels, value] of read()) metric.inc(labels, value)
      }
      const metric = new Metric({ name, help, labelNames, registers: [], collect })
      registry.registerMetric(metric)
    }
  return { gauge: declare(Gauge), counter: declare(Counter), functionLabel: boundedLabels(FUNCTION_LABELS_MAX) }
}

/** The one sample of a metric without labels. */
export function one(value: number): readonly Sample[] {
  return [[{}, value]]
}

/** Gives the first `max` different names their own label, all others `other`. */
export function boundedLabels(max: number): (name: string) => string {
  const known = new Set<string>()
  return name => {
    if (known.size < max) known.add(name)
    return known.has(name) ? name : 'other'
  }
}
