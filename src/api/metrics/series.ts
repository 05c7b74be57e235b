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
  return {
    gauge: (name, help, labelNames, read) => {
      const metric = new Gauge({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const [labels, value] of read()) this.set(labels, value)
        }
      })
      registry.registerMetric(metric)
    },
    counter: (name, help, labelNames, read) => {
      const metric = new Counter({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const [labels, value] of read()) this.inc(labels, value)
        }
      })
      registry.registerMetric(metric)
    },
    functionLabel: boundedLabels(FUNCTION_LABELS_MAX)
  }
}

/** A metric without labels. */
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
