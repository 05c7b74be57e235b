import type { Cluster, FunctionItem, Peer, Stats } from '../../model/rest.ts'
import type { InvocationList } from '../../model/rest-invocations.ts'
import type { AlertItem, EventItem } from '../../model/rest-events.ts'
import type { StatsHistoryBody } from '../../model/rest-telemetry.ts'
import { historySeconds } from '../history-seconds.ts'
import type { TaskList } from '../../model/rest-tasks.ts'
import { shortId } from '../../model/short-id.ts'
import { type Activity, activityOf } from './activity.ts'
import { endsElsewhere } from './ends-elsewhere.ts'
import { type PeerCosts, withPlacements } from './peer-costs.ts'

/** All that is known of the cluster that is shown, and how it came to be, in bounds. */
export interface ClusterData {
  readonly api: string
  readonly link: Link
  readonly cluster: Cluster | null
  readonly peers: readonly Peer[]
  readonly functions: readonly FunctionItem[]
  /** What is raised now, the most severe first. */
  readonly alerts: readonly AlertItem[]
  /** The newest calls of the cluster; null before they were asked for. */
  readonly invocations: InvocationList | null
  /** The newest tasks; only while somebody looks at them, and null before that. */
  readonly tasks: TaskList | null
  /** Why the calls that wait do: in words, by function, as far as the peer says. */
  readonly waitingWhy: ReadonlyMap<string, string>
  /** Use of each peer, oldest first, a sample a second. */
  readonly series: ReadonlyMap<string, UseSeries>
  /** Executions that ended in the whole cluster, a second each. */
  readonly endedPerSecond: readonly number[]
  /** Bytes a second through this machine's network, while the peer that is asked runs on it. */
  readonly network: { readonly inBytes: readonly number[]; readonly outBytes: readonly number[] } | null
  readonly log: readonly Activity[]
  readonly costs: PeerCosts
  /** How the calls of the cluster went, by function; only while the monitor looks at them, and null before that. */
  readonly calls: StatsHistoryBody | null
  /** The clock of the peer that is asked, to tell how long ago something was. */
  readonly nowMs: number
  readonly lastEvent: { readonly id: number; readonly at: string }
}

/** Whether the peer that is asked answers. `sinceMs` is the wall clock at which it began or stopped to. */
export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly sinceMs: number; readonly reason: string }

/** Parts of a peer's capacity that were in use, 0 to 1. */
export interface UseSeries {
  readonly cpu: readonly number[]
  readonly memory: readonly number[]
  readonly disk: readonly number[]
}

/** What the peer answered at one look. Absent parts were not asked for. */
export interface Look {
  readonly peers: readonly Peer[]
  readonly cluster: Cluster
  readonly stats: Stats
  readonly functions?: readonly FunctionItem[] | undefined
  readonly alerts?: readonly AlertItem[] | undefined
  readonly invocations?: InvocationList | undefined
  readonly tasks?: TaskList | undefined
  readonly waitingWhy?: ReadonlyMap<string, string> | undefined
  /** What was before the first look. */
  readonly history?: StatsHistoryBody | undefined
  readonly calls?: StatsHistoryBody | undefined
  readonly networkRate?: { readonly inBytes: number; readonly outBytes: number } | undefined
}

/** Samples of a series: five minutes of seconds. */
export const SAMPLES_MAX = 300

/** Lines of the log that are kept to scroll and filter in. */
export const LOG_MAX = 2_000

/** Nothing known yet of the peer at `api`. */
export function emptyData(api: string): ClusterData {
  return {
    api,
    link: { state: 'connecting' },
    cluster: null,
    peers: [],
    functions: [],
    alerts: [],
    invocations: null,
    tasks: null,
    waitingWhy: new Map(),
    series: new Map(),
    endedPerSecond: [],
    network: null,
    log: [],
    costs: new Map(),
    calls: null,
    nowMs: 0,
    lastEvent: { id: 0, at: '' }
  }
}

/** The data after a look. */
export function withLook(data: ClusterData, look: Look): ClusterData {
  const { peers, cluster, stats, networkRate } = look
  const before = new Map(data.peers.map(peer => [peer.id, peer]))
  const ended = peers.reduce((sum, peer) => sum + endedSince(before.get(peer.id), peer), 0)
  return {
    ...data,
    link: { state: 'live' },
    cluster,
    peers,
    functions: look.functions ?? data.functions,
    alerts: look.alerts ?? data.alerts,
    invocations: look.invocations ?? data.invocations,
    tasks: look.tasks ?? data.tasks,
    calls: look.calls ?? data.calls,
    waitingWhy: look.waitingWhy ?? data.waitingWhy,
    nowMs: Date.parse(stats.at),
    series: new Map(
      peers.filter(({ state }) => state !== 'gone').map(peer => [peer.id, withUse(data.series.get(peer.id) ?? useBefore(look, peer), peer)])
    ),
    endedPerSecond: data.peers.length === 0 ? endedBefore(look) : appended(data.endedPerSecond, [ended], SAMPLES_MAX),
    network:
      networkRate === undefined
        ? data.network
        : {
            inBytes: appended(data.network?.inBytes ?? [], [networkRate.inBytes], SAMPLES_MAX),
            outBytes: appended(data.network?.outBytes ?? [], [networkRate.outBytes], SAMPLES_MAX)
          },
    log: appended(data.log, newLines(data, look), LOG_MAX)
  }
}

/** The data after events, oldest first. Those that were told before (a stream begins with what the peer still keeps) are passed over. */
export function withEvents(data: ClusterData, events: readonly EventItem[]): ClusterData {
  const { lastEvent } = data
  const fresh = events.filter(({ id, at }) => id > lastEvent.id || at > lastEvent.at)
  const newest = fresh.at(-1)
  if (newest === undefined) return data
  return {
    ...data,
    log: appended(data.log, linesOf(fresh, data.peers, nextSeq(data)), LOG_MAX),
    costs: withPlacements(data.costs, fresh),
    lastEvent: { id: newest.id, at: newest.at }
  }
}

/** The data when the peer does not answer: all of it stays, as what was last known. */
export function withoutLink(data: ClusterData, reason: string, nowMs: number): ClusterData {
  return data.link.state === 'lost'
    ? { ...data, link: { ...data.link, reason } }
    : { ...data, link: { state: 'lost', sinceMs: nowMs, reason } }
}

/** The peer that is asked, as it sees itself. */
export function ownPeer({ cluster, peers }: ClusterData): Peer | undefined {
  return peers.find(({ id }) => id === cluster?.self.id)
}

/** Whether the peer that is asked is the orchestrator. */
export function isOrchestrator({ cluster }: Pick<ClusterData, 'cluster'>): boolean {
  return cluster !== null && cluster.orchestrator?.id === cluster.self.id
}

/** The use of a peer over time; nothing of one that is new. */
export function useOf({ series }: ClusterData, id: string): UseSeries {
  return series.get(id) ?? { cpu: [], memory: [], disk: [] }
}

/** Calls that ended a second, of the last few. */
export function callsPerSecond({ endedPerSecond }: ClusterData): number {
  const last = endedPerSecond.slice(-RATE_SECONDS)
  return last.length === 0 ? 0 : last.reduce((sum, ended) => sum + ended, 0) / last.length
}

const RATE_SECONDS = 5

/** The calls of one function that wait for a worker. */
export interface WaitingCalls {
  readonly name: string
  readonly calls: number
  readonly longestMs: number
  /** Empty: not known. */
  readonly why: string
}

/** What waits for a worker, by function, the longest waiting first. */
export function waitingCalls({
  invocations: list,
  waitingWhy,
  nowMs
}: Pick<ClusterData, 'invocations' | 'waitingWhy' | 'nowMs'>): readonly WaitingCalls[] {
  const found = new Map<string, WaitingCalls>()
  for (const { function: name, state, acceptedAt } of list?.items ?? []) {
    if (state !== 'queued') continue
    const { calls = 0, longestMs = 0 } = found.get(name) ?? {}
    const waitedMs = Math.max(0, nowMs - Date.parse(acceptedAt))
    found.set(name, { name, calls: calls + 1, longestMs: Math.max(longestMs, waitedMs), why: waitingWhy.get(name) ?? '' })
  }
  return [...found.values()].sort((a, b) => b.longestMs - a.longestMs || (a.name < b.name ? -1 : 1))
}

/** A counter that went down is one of a peer that has started again. */
function endedSince(before: Peer | undefined, { succeeded, failed }: Peer): number {
  if (before === undefined) return 0
  const ended = succeeded + failed - before.succeeded - before.failed
  return ended >= 0 ? ended : succeeded + failed
}

/** How busy a peer was before the first look. */
function useBefore({ history }: Look, { id, capacity }: Peer): UseSeries | undefined {
  const found = history?.peers.find(peer => peer.id === id)
  if (history === undefined || found === undefined) return undefined
  const parts = (series: readonly (number | null)[], whole: number): readonly number[] =>
    historySeconds(series, { stepMs: history.stepMs, max: SAMPLES_MAX }).map(amount => (whole === 0 ? 0 : amount / whole))
  return {
    cpu: parts(found.cpusUsed, capacity.cpus),
    memory: parts(found.memoryUsedBytes, capacity.memoryBytes),
    disk: parts(found.diskUsedBytes, capacity.diskBytes)
  }
}

/** What ended in each second before the first look. */
function endedBefore({ history }: Look): readonly number[] {
  if (history === undefined) return []
  const { peers, stepMs, steps } = history
  const perStep = Array.from({ length: steps }, (_, step) =>
    peers.reduce((sum, { succeeded, failed }) => sum + (succeeded[step] ?? 0) + (failed[step] ?? 0), 0)
  )
  return historySeconds(
    perStep.map(ended => (ended * 1_000) / stepMs),
    { stepMs, max: SAMPLES_MAX }
  )
}

function withUse(series: UseSeries | undefined, { used, capacity }: Peer): UseSeries {
  const part = (amount: number, whole: number): number => (whole === 0 ? 0 : amount / whole)
  return {
    cpu: appended(series?.cpu ?? [], [part(used.cpus, capacity.cpus)], SAMPLES_MAX),
    memory: appended(series?.memory ?? [], [part(used.memoryBytes, capacity.memoryBytes)], SAMPLES_MAX),
    disk: appended(series?.disk ?? [], [part(used.diskBytes, capacity.diskBytes)], SAMPLES_MAX)
  }
}

/** What a look tells that no event does: the ends of calls through other peers, on the orchestrator of all, on a worker of those that it ran. */
function newLines(data: ClusterData, { cluster, peers, invocations }: Look): Activity[] {
  if (invocations === undefined) return []
  const ends = endsElsewhere(data.invocations, invocations, cluster.self.id)
  const shown = isOrchestrator({ cluster }) ? ends : ends.filter(({ data: { worker } }) => worker === cluster.self.id)
  return linesOf(shown, peers, nextSeq(data))
}

function linesOf(events: readonly EventItem[], peers: readonly Peer[], firstSeq: number): Activity[] {
  const names = new Map(peers.map(({ id, name }) => [id, name]))
  return events.map((event, index) => activityOf(event, firstSeq + index, id => names.get(id) ?? shortId(id)))
}

function nextSeq({ log }: ClusterData): number {
  return (log.at(-1)?.seq ?? 0) + 1
}

function appended<Item>(items: readonly Item[], added: readonly Item[], max: number): readonly Item[] {
  return added.length === 0 ? items : [...items, ...added].slice(-max)
}
