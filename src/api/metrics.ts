import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CostRow } from '../model/costs.ts'
import { PEER_STATES } from '../model/peer.ts'
import type { PeerListing, PeerService } from '../model/service.ts'
import { registerTaskMetrics } from './task-metrics.ts'

/** Functions with series of their own; those beyond it are counted together as `other`, or a busy cluster would fill its own monitoring. */
const FUNCTION_LABELS_MAX = 256

/** Callers with series of their own: they name themselves, so there may be any number. */
const CALLER_LABELS_MAX = 64

/** From a warm call on the same machine to the longest timeout, about a factor of two apart. The same on all peers, so that they can be added. */
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600]

/** Defaults of the library that say what `process_…` says, under names that Prometheus' own linter refuses (a gauge must not end in `_total`). */
const ILL_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** What the API itself measures. */
export interface CallMetrics {
  /** One synchronous call has ended, after so many milliseconds at this gateway. */
  observe(functionName: string, ms: number): void
  /** Everything, as Prometheus text. */
  text(): Promise<{ contentType: string; body: string }>
}

/** How often the delay of the event loop is sampled. By default an idle peer is woken a hundred times a second for it. */
const LOOP_LOOK_MS = 100

/** Prometheus counts in base units: bytes and seconds. */
const BYTE_SECONDS_PER_GB_MS = 1e9 / 1_000

/** One number of a metric, and its labels. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/**
 * The numbers behind `/metrics`. Those of the service are read when they are asked for.
 *
 * @param registry - holds further metrics that are to be served (libp2p's); one for each peer, or two peers in one process clash
 */
export function createMetrics(service: PeerService, registry = new Registry()): CallMetrics {
  const label = boundedLabels(FUNCTION_LABELS_MAX)
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS })
  registerTaskMetrics(service.tasks, registry)
  for (const name of ILL_NAMED) registry.removeSingleMetric(name)
  const seconds = new Histogram({
    name: 'cares_invocation_seconds',
    help: 'Time from the arrival of a synchronous call at this gateway to the end of its answer',
    labelNames: ['function'],
    buckets: SECONDS_BUCKETS,
    registers: [registry]
  })

  const gauge = (name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]): void => {
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
  }
  const counter = (name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]): void => {
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
  }
  const one = (value: number): readonly Sample[] => [[{}, value]]

  gatewayMetrics()
  costMetrics()
  clusterMetrics()
  machineMetrics()
  return {
    observe: (name, ms) => {
      seconds.observe({ function: label(name) }, ms / 1_000)
    },
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() })
  }

  /** What came through this peer. */
  function gatewayMetrics(): void {
    const counters = () => service.counters()
    counter(
      'cares_invocations_total',
      'Invocations through this gateway that have finished, by outcome: ok or an error code',
      ['function', 'outcome'],
      () => counters().invocations.map(({ function: name, outcome, count }) => [{ function: label(name), outcome }, count])
    )
    counter(
      'cares_invocation_starts_total',
      'Invocations through this gateway that were answered, by how their container came to be',
      ['function', 'start'],
      () => counters().starts.map(({ function: name, start, count }) => [{ function: label(name), start }, count])
    )
    counter('cares_placements_total', 'Placements of invocations through this gateway, by who placed', ['kind'], () =>
      counters().placements.map(({ kind, count }) => [{ kind }, count])
    )
    gauge('cares_in_flight', 'Invocations through this gateway that have not finished', [], () => one(counters().inFlight))
    gauge('cares_waiting', 'Invocations that wait for room where this peer places them', [], () => one(counters().waiting))
  }

  /** What calls through this peer, and tasks that ended on it, have cost. Of function, caller and peer one at a time: all combinations would be too many series. */
  function costMetrics(): void {
    const caller = boundedLabels(CALLER_LABELS_MAX)
    const byFunction = (read: (row: CostRow) => number) => (): readonly Sample[] =>
      service.ownCosts().rows.map(row => [{ function: label(row.function) }, read(row)])
    const counters: readonly (readonly [name: string, help: string, read: (row: CostRow) => number])[] = [
      [
        'cares_cost_usd_total',
        'US dollars for calls through this gateway and tasks that ended here, by the prices that peers state',
        ({ usd }) => usd
      ],
      [
        'cares_cost_cpu_seconds_total',
        'Core seconds of calls through this gateway and tasks that ended here, where measured',
        ({ cpuMs }) => cpuMs / 1_000
      ],
      [
        'cares_cost_byte_seconds_total',
        'Memory limits times run time of calls through this gateway and tasks that ended here',
        ({ gbMs }) => gbMs * BYTE_SECONDS_PER_GB_MS
      ],
      [
        'cares_cost_bytes_total',
        'Bytes of bodies and answers through this gateway, and of inputs and outputs of tasks that ended here',
        ({ bytesIn, bytesOut }) => bytesIn + bytesOut
      ],
      [
        'cares_regret_seconds_total',
        'Time by which other peers were expected to be quicker, of calls through this gateway',
        row => row.regretMs / 1_000
      ]
    ]
    for (const [name, help, read] of counters) counter(name, help, ['function'], byFunction(read))
    // By who asked, and by who ran it: what a bill is made of, and no more. There are at most as many series as callers and peers.
    const shares: readonly (readonly [name: string, what: string, read: (row: CostRow) => number])[] = [
      ['calls_total', 'Calls through this gateway that ran', ({ calls }) => calls],
      [
        'cost_cpu_seconds_total',
        'Core seconds of calls through this gateway and tasks that ended here, where measured',
        ({ cpuMs }) => cpuMs / 1_000
      ],
      ['cost_usd_total', 'US dollars for calls through this gateway and tasks that ended here', ({ usd }) => usd]
    ]
    for (const [name, what, read] of shares) {
      counter(`cares_caller_${name}`, `${what}, by who asked`, ['caller'], () =>
        service.ownCosts().rows.map(row => [{ caller: caller(row.caller) }, read(row)])
      )
      counter(`cares_peer_${name}`, `${what}, by the peer that ran them`, ['peer'], () =>
        service.ownCosts().rows.map(row => [{ peer: row.peer }, read(row)])
      )
    }
  }

  /** How the cluster stands, as this peer sees it. */
  function clusterMetrics(): void {
    gauge('cares_term', 'Term that this peer knows', [], () => one(service.cluster().term))
    gauge('cares_log_applied_index', 'Log position that this peer has applied', [], () => one(service.cluster().appliedIndex))
    gauge('cares_orchestrator_known', 'Whether this peer knows an orchestrator: 1 or 0', [], () =>
      one(service.cluster().orchestrator ? 1 : 0)
    )
    gauge('cares_is_orchestrator', 'Whether this peer is the orchestrator: 1 or 0', [], () =>
      one(service.cluster().orchestrator?.id === service.profile.id ? 1 : 0)
    )
    gauge('cares_peers', 'Peers of the cluster by state, as this peer sees them', ['state'], () => {
      const peers = service.peers()
      return PEER_STATES.map(state => [{ state }, peers.filter(peer => peer.state === state).length])
    })
    gauge('cares_alerts', 'Alerts that this peer sees raised', ['rule', 'severity'], () => {
      const { raised, rules } = service.alerts()
      // A rule without an alert is a 0, not a gap: what compares it with a number must find one.
      return rules.map(({ name, severity }) => [{ rule: name, severity }, raised.filter(({ rule }) => rule === name).length])
    })
    counter('cares_alert_deliveries_total', 'Alerts that were posted to the webhook, or given up', ['outcome'], () => {
      const { webhook } = service.alerts()
      return webhook === null
        ? []
        : [
            [{ outcome: 'delivered' }, webhook.delivered],
            [{ outcome: 'failed' }, webhook.failed]
          ]
    })
  }

  /** This peer as a worker, and its machine. */
  function machineMetrics(): void {
    const own = (read: (peer: PeerListing) => readonly Sample[]) => (): readonly Sample[] => {
      const peer = service.peers().find(({ profile }) => profile.id === service.profile.id)
      return peer === undefined ? [] : read(peer)
    }
    gauge('cares_build_info', 'Version and name of this peer; always 1', ['version', 'name'], () => [
      [{ version: service.profile.version, name: service.profile.name }, 1]
    ])
    gauge(
      'cares_running_executions',
      'Executions that run on this peer',
      [],
      own(({ stats }) => one(stats.running))
    )
    counter(
      'cares_executions_total',
      'Executions that have ended on this peer',
      ['outcome'],
      own(({ stats }) => [
        [{ outcome: 'succeeded' }, stats.succeeded],
        [{ outcome: 'failed' }, stats.failed]
      ])
    )
    gauge(
      'cares_warm_containers',
      'Calls that started containers of this peer could take at once, idle, and do take, busy',
      ['function', 'kind'],
      own(({ stats }) => warmSamples(stats.warm, label))
    )
    for (const [what, name, whole, used, reserved] of [
      ['CPU', 'cares_peer_cpu', 'cpus', 'cpusUsed', 'cpusReserved'],
      ['Memory', 'cares_peer_memory', 'memoryBytes', 'memoryUsedBytes', 'memoryReservedBytes'],
      ['Disk', 'cares_peer_disk', 'diskBytes', 'diskUsedBytes', undefined]
    ] as const) {
      const kinds = reserved === undefined ? 'in use' : 'in use or reserved'
      gauge(
        `${name}_ratio`,
        `${what} of this peer that is ${kinds}, of its capacity`,
        ['kind'],
        own(({ profile: { capacity }, stats }) => [
          [{ kind: 'used' }, ratio(stats[used], capacity[whole])],
          ...(reserved === undefined ? [] : [[{ kind: 'reserved' }, ratio(stats[reserved], capacity[whole])] as const])
        ])
      )
    }
    gauge(
      'cares_peer_cpu_capacity_cores',
      'Cores that functions may use on this peer',
      [],
      own(({ profile }) => one(profile.capacity.cpus))
    )
    gauge(
      'cares_peer_memory_capacity_bytes',
      'Memory that functions may use on this peer',
      [],
      own(({ profile }) => one(profile.capacity.memoryBytes))
    )
  }
}

/** The pools of all revisions of a function together: a revision for each upload would make series without end. */
function warmSamples(pools: PeerListing['stats']['warm'], label: (name: string) => string): readonly Sample[] {
  const sums = new Map<string, { idle: number; busy: number }>()
  for (const { function: key, idle, busy } of pools) {
    const name = label(key.split('@', 1)[0] ?? key)
    const sum = sums.get(name) ?? { idle: 0, busy: 0 }
    sums.set(name, { idle: sum.idle + idle, busy: sum.busy + busy })
  }
  return [...sums].flatMap(([name, { idle, busy }]) => [
    [{ function: name, kind: 'idle' }, idle] as const,
    [{ function: name, kind: 'busy' }, busy] as const
  ])
}

/** Gives the first `max` different names their own label. */
function boundedLabels(max: number): (name: string) => string {
  const known = new Set<string>()
  return name => {
    if (known.size < max) known.add(name)
    return known.has(name) ? name : 'other'
  }
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0
}
