import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { PeerService } from '../../model/service.ts'
import { registerClusterMetrics } from './cluster-metrics.ts'
import { registerCostMetrics } from './cost-metrics.ts'
import { registerGatewayMetrics } from './gateway-metrics.ts'
import { registerMachineMetrics } from './machine-metrics.ts'
import { createSeries } from './series.ts'
import { registerTaskMetrics } from './task-metrics.ts'

/** From a warm call on the same machine to the longest timeout, about a factor of two apart. The same on all peers, so that they can be added. */
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600]

/** Defaults of the library that say what `process_…` says, under names that Prometheus' own linter refuses (a gauge must not end in `_total`). */
const ILL_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** How often the delay of the event loop is sampled. By default an idle peer is woken a hundred times a second for it. */
const LOOP_LOOK_MS = 100

/** What the API itself measures. */
export interface CallMetrics {
  /** One synchronous call has ended, after so many milliseconds at this gateway. */
  observe(functionName: string, ms: number): void
  /** Everything, as Prometheus text. */
  text(): Promise<{ contentType: string; body: string }>
}

/**
 * The numbers behind `/metrics`. Those of the service are read when they are asked for.
 *
 * @param registry - holds further metrics that are to be served (libp2p's); one for each peer, or two peers in one process clash
 */
export function createMetrics(service: PeerService, registry = new Registry()): CallMetrics {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS })
  for (const name of ILL_NAMED) registry.removeSingleMetric(name)
  registerTaskMetrics(service.tasks, registry)
  const seconds = new Histogram({
    name: 'cares_invocation_seconds',
    help: 'Time from the arrival of a synchronous call at this gateway to the end of its answer',
    labelNames: ['function'],
    buckets: SECONDS_BUCKETS,
    registers: [registry]
  })
  const series = createSeries(registry)
  registerGatewayMetrics(service, series)
  registerCostMetrics(service, series)
  registerClusterMetrics(service, series)
  registerMachineMetrics(service, series)
  return {
    observe: (name, ms) => {
      seconds.observe({ function: series.functionLabel(name) }, ms / 1_000)
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() })
  }
}
