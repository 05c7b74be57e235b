import type { PeerStatsItem, Stats } from '../../../model/rest.ts'
import { ratio } from '../../text.ts'

/** The numbers of one peer at one moment; ratios are of its capacity, 0 to 1. */
export interface PeerSample {
  readonly cpu: number
  readonly memory: number
  readonly running: number
  /** Executions that ended per second since the sample before. */
  readonly donePerS: number
  readonly failedPerS: number
  /** Since the peer started. */
  readonly done: number
  readonly failed: number
}

/** The cluster at one moment. */
export interface Sample {
  /** By the clock of the peer that was asked. */
  readonly atMs: number
  readonly cpu: number
  readonly memory: number
  readonly running: number
  readonly donePerS: number
  readonly failedPerS: number
  readonly peers: ReadonlyMap<string, PeerSample>
}

/** Five minutes of one sample a second. */
export const SAMPLES_MAX = 300

/**
 * `samples` with one more, the oldest forgotten. A repeated answer (same time) changes nothing. Rates are sums of what each peer has done since
 * the sample before; a peer that is new, or has counted backwards because it started anew, adds nothing.
 */
export function withSample(samples: readonly Sample[], { at, items, totals }: Stats): readonly Sample[] {
  const atMs = Date.parse(at)
  const before = samples.at(-1)
  if (before !== undefined && atMs <= before.atMs) return samples
  const seconds = before === undefined ? 1 : (atMs - before.atMs) / 1_000
  const peers = new Map(
    items.filter(({ state }) => state !== 'gone').map(item => [item.id, peerSample(item, before?.peers.get(item.id), seconds)])
  )
  const sum = (read: (peer: PeerSample) => number): number => [...peers.values()].reduce((total, peer) => total + read(peer), 0)
  const sample: Sample = {
    atMs,
    cpu: ratio(totals.used.cpus, totals.capacity.cpus),
    memory: ratio(totals.used.memoryBytes, totals.capacity.memoryBytes),
    running: totals.running,
    donePerS: sum(peer => peer.donePerS),
    failedPerS: sum(peer => peer.failedPerS),
    peers
  }
  return [...samples.slice(-(SAMPLES_MAX - 1)), sample]
}

function peerSample(item: PeerStatsItem, before: PeerSample | undefined, seconds: number): PeerSample {
  const { used, capacity, running, failed } = item
  const done = item.succeeded + failed
  const rate = (now: number, then: number | undefined): number => (then === undefined || now < then ? 0 : (now - then) / seconds)
  return {
    cpu: ratio(used.cpus, capacity.cpus),
    memory: ratio(used.memoryBytes, capacity.memoryBytes),
    running,
    donePerS: rate(done, before?.done),
    failedPerS: rate(failed, before?.failed),
    done,
    failed
  }
}
