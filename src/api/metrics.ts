import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import type { PeerService } from '../model/service.ts'

/** Functions with series of their own; those beyond it are counted together as `other`, or a busy cluster would fill its own monitoring. */
const FUNCTION_LABELS_MAX = 256

/** From a warm call on the same machine to the longest timeout, about a factor of two apart. */
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600]

const PEER_STATES = ['alive', 'suspect', 'draining', 'gone'] as const

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
  const label = boundedLabels(FUNCTION_LABELS_MAX)
  collectDefaultMetrics({ register: registry })
  const add = (metric: Metric): void => registry.registerMetric(metric)

  const seconds = new Histogram({
    name: 'cares_invocation_seconds',
    help: 'Time from the arrival of a synchronous call at this gateway to the end of its answer',
    labelNames: ['function'],
    buckets: SECONDS_BUCKETS,
    registers: [registry]
  })
  add(
    new Counter({
      name: 'cares_invocations_total',
      help: 'Invocations through this gateway that have finished, by outcome: ok or an error code',
      labelNames: ['function', 'outcome'],
      registers: [],
      collect() {
        this.reset()
        for (const { function: name, outcome, count } of service.counters().invocations) this.inc({ function: label(name), outcome }, count)
      }
    })
  )
  add(
    new Counter({
      name: 'cares_placements_total',
      help: 'Placements of invocations through this gateway, by who placed',
      labelNames: ['kind'],
      registers: [],
      collect() {
        this.reset()
        for (const { kind, count } of service.counters().placements) this.inc({ kind }, count)
      }
    })
  )
  const gauge = (name: string, help: string, read: () => number): void => {
    add(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read())
        }
      })
    )
  }
  gauge('cares_in_flight', 'Invocations through this gateway that have not finished', () => service.counters().inFlight)
  gauge('cares_term', 'Term that this peer knows', () => service.cluster().term)
  gauge('cares_log_applied_index', 'Log position that this peer has applied', () => service.cluster().appliedIndex)
  gauge('cares_orchestrator_known', 'Whether this peer knows an orchestrator: 1 or 0', () => (service.cluster().orchestrator ? 1 : 0))
  gauge('cares_running_executions', 'Executions that run on this peer', () => own(service)?.stats.running ?? 0)
  add(
    new Gauge({
      name: 'cares_peers',
      help: 'Peers of the cluster by state, as this peer sees them',
      labelNames: ['state'],
      registers: [],
      collect() {
        const peers = service.peers()
        for (const state of PEER_STATES) this.set({ state }, peers.filter(peer => peer.state === state).length)
      }
    })
  )
  add(
    new Gauge({
      name: 'cares_peer_cpu_ratio',
      help: 'CPU of this peer that is in use or reserved, of its capacity',
      labelNames: ['kind'],
      registers: [],
      collect() {
        const peer = own(service)
        if (peer === undefined) return
        const { cpus } = peer.profile.capacity
        this.set({ kind: 'used' }, ratio(peer.stats.cpusUsed, cpus))
        this.set({ kind: 'reserved' }, ratio(peer.stats.cpusReserved, cpus))
      }
    })
  )
  add(
    new Gauge({
      name: 'cares_peer_memory_ratio',
      help: 'Memory of this peer that is in use or reserved, of its capacity',
      labelNames: ['kind'],
      registers: [],
      collect() {
        const peer = own(service)
        if (peer === undefined) return
        const { memoryBytes } = peer.profile.capacity
        this.set({ kind: 'used' }, ratio(peer.stats.memoryUsedBytes, memoryBytes))
        this.set({ kind: 'reserved' }, ratio(peer.stats.memoryReservedBytes, memoryBytes))
      }
    })
  )

  return {
    observe: (name, ms) => {
      seconds.observe({ function: label(name) }, ms / 1_000)
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() })
  }
}

/** Gives the first `max` different names their own label. */
function boundedLabels(max: number): (name: string) => string {
  const known = new Set<string>()
  return name => {
    if (known.size < max) known.add(name)
    return known.has(name) ? name : 'other'
  }
}

function own(service: PeerService) {
  return service.peers().find(({ profile }) => profile.id === service.profile.id)
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0
}
