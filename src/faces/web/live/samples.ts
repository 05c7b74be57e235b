import type { StatsHistoryBody } from '../../../model/rest-telemetry.ts'
import type { PeerStatsItem, Stats } from '../../../model/rest.ts'
import { ratio } from '../../text.ts'

/** What is drawn of a peer, and of the cluster. */
interface Load {
  /** Share of the capacity, 0 to 1. */
  readonly cpu: number
  readonly memory: number
  readonly running: number
  /** Executions that ended per second since the sample before. */
  readonly donePerS: number
  readonly failedPerS: number
}

/** The numbers of one peer at one moment. */
export interface PeerSample extends Load {
  /** Since the peer started; undefined: not known of that time. */
  readonly done: number | undefined
  readonly failed: number | undefined
}

/** The cluster at one moment. */
export interface Sample extends Load {
  /** By the clock of the peer that was asked. */
  readonly atMs: number
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

/**
 * What was before the page was opened, from the history that the peer keeps, followed by the samples that are there. A step of it stands for the
 * samples that would have been taken within.
 */
export function withHistory(samples: readonly Sample[], history: StatsHistoryBody, peers: readonly PeerStatsItem[]): readonly Sample[] {
  const endMs = Math.min(Date.parse(history.at), samples[0]?.atMs ?? Number.POSITIVE_INFINITY)
  const perStep = Math.max(1, Math.round(history.stepMs / SAMPLE_MS))
  const count = Math.min(history.steps * perStep, SAMPLES_MAX - samples.length)
  const before = Array.from({ length: Math.max(0, count) }, (_, index): Sample => {
    const age = count - 1 - index
    const step = history.steps - 1 - Math.floor(age / perStep)
    return { atMs: endMs - (age + 1) * SAMPLE_MS, ...sampleOfStep(history, step, peers) }
  })
  const [first, ...others] = samples
  const last = before.at(-1)
  return first === undefined || last === undefined ? [...before, ...samples] : [...before, withRatesOf(last, first), ...others]
}

/** The first sample has none before it to count from: it goes on as the history ends, instead of with a dent. */
function withRatesOf({ donePerS, failedPerS, peers }: Sample, sample: Sample): Sample {
  const rates = (id: string): Partial<PeerSample> => {
    const before = peers.get(id)
    return before === undefined ? {} : { donePerS: before.donePerS, failedPerS: before.failedPerS }
  }
  const same = new Map([...sample.peers].map(([id, peer]) => [id, { ...peer, ...rates(id) }]))
  return { ...sample, donePerS, failedPerS, peers: same }
}

/** Between two samples of the page. */
const SAMPLE_MS = 1_000

function sampleOfStep({ peers: known, stepMs }: StatsHistoryBody, step: number, items: readonly PeerStatsItem[]): Omit<Sample, 'atMs'> {
  const capacityOf = new Map(items.map(({ id, capacity }) => [id, capacity]))
  const peers = new Map<string, PeerSample>()
  let [cpus, memoryBytes, cpusOfAll, memoryOfAll] = [0, 0, 0, 0]
  for (const peer of known) {
    const capacity = capacityOf.get(peer.id)
    const used = { cpus: peer.cpusUsed[step] ?? null, memoryBytes: peer.memoryUsedBytes[step] ?? null }
    if (capacity === undefined || used.cpus === null || used.memoryBytes === null) continue
    const failed = peer.failed[step] ?? 0
    const perS = (count: number): number => (count * 1_000) / stepMs
    peers.set(peer.id, {
      cpu: ratio(used.cpus, capacity.cpus),
      memory: ratio(used.memoryBytes, capacity.memoryBytes),
      running: peer.running[step] ?? 0,
      donePerS: perS((peer.succeeded[step] ?? 0) + failed),
      failedPerS: perS(failed),
      done: undefined,
      failed: undefined
    })
    cpus += used.cpus
    memoryBytes += used.memoryBytes
    cpusOfAll += capacity.cpus
    memoryOfAll += capacity.memoryBytes
  }
  const sum = (read: (peer: PeerSample) => number): number => [...peers.values()].reduce((total, peer) => total + read(peer), 0)
  return {
    cpu: ratio(cpus, cpusOfAll),
    memory: ratio(memoryBytes, memoryOfAll),
    running: sum(peer => peer.running),
    donePerS: sum(peer => peer.donePerS),
    failedPerS: sum(peer => peer.failedPerS),
    peers
  }
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
