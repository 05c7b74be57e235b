import type { CostRow } from '../../model/costs.ts'
import type { PeerService } from '../../model/service.ts'
import { boundedLabels, type Sample, type Series } from './series.ts'

/** Callers with series of their own: they name themselves, so there may be any number. */
const CALLER_LABELS_MAX = 64

/** Prometheus counts in base units: bytes and seconds. */
const BYTE_SECONDS_PER_GB_MS = 1e9 / 1_000

/** Costs of calls through this peer, and of tasks that ended on it: by function, by caller, and by peer. All combinations would be too many series. */
export function registerCostMetrics(service: PeerService, { counter, functionLabel: label }: Series): void {
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
