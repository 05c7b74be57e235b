import { type ClusterHistory, type FunctionHistory, type PeerHistory, quantileMs, summed } from '../../model/history.ts'
import type { FunctionHistoryItem, PeerHistoryItem, StatsHistoryBody } from '../../model/rest-telemetry.ts'
import type { PeerRef } from './names.ts'

/** The history as it is shown. `at` is now; absent filters let everything through. */
export function historyView(
  { stepMs, steps, ageMs, peers, functions, missing }: ClusterHistory,
  wanted: {
    at: string
    view: PeerRef
    named: (id: string) => PeerRef
    peers?: readonly string[] | undefined
    functions?: readonly string[] | undefined
  }
): StatsHistoryBody {
  const { view } = wanted
  return {
    at: new Date(Date.parse(wanted.at) - ageMs).toISOString(),
    stepMs,
    steps,
    view: { peer: view.id, name: view.name },
    peers: peers.filter(({ id }) => wanted.peers?.includes(id) ?? true).map(peerItem),
    functions: functions.filter(({ name }) => wanted.functions?.includes(name) ?? true).map(functionItem),
    missing: missing.map(wanted.named)
  }
}

function peerItem(peer: PeerHistory): PeerHistoryItem {
  const [cores, whole] = [rounded(1_000), rounded(1)]
  return {
    id: peer.id,
    name: peer.name,
    cpusUsed: peer.cpusUsed.map(cores),
    memoryUsedBytes: peer.memoryUsedBytes.map(whole),
    diskUsedBytes: peer.diskUsedBytes.map(whole),
    cpusReserved: peer.cpusReserved.map(cores),
    memoryReservedBytes: peer.memoryReservedBytes.map(whole),
    running: peer.running.map(rounded(100)),
    succeeded: peer.succeeded.map(whole),
    failed: peer.failed.map(whole)
  }
}

function functionItem({ name, calls, failed, cold, latency }: FunctionHistory): FunctionHistoryItem {
  const hundredths = rounded(100)
  const quantile = (q: number) => latency.map(counts => (counts === null ? null : hundredths(quantileMs(counts, q))))
  const all = summed(latency.filter(counts => counts !== null))
  const overall = (q: number) => hundredths(quantileMs(all, q))
  return {
    name,
    calls,
    failed,
    cold,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    overall: {
      calls: total(calls),
      failed: total(failed),
      cold: total(cold),
      p50Ms: overall(0.5),
      p95Ms: overall(0.95),
      p99Ms: overall(0.99)
    }
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Rounds to a fraction: series are kept in single precision, and what is behind it would only look precise. */
function rounded(fraction: number): (value: number | null) => number | null {
  return value => (value === null ? null : Math.round(value * fraction) / fraction)
}
