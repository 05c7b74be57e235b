import type { PeerService } from '../../model/service.ts'
import { one, type Series } from './series.ts'

/** What came through this peer. */
export function registerGatewayMetrics(service: PeerService, { gauge, counter, functionLabel: label }: Series): void {
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
