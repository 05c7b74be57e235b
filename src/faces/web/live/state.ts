import type { Cluster, FunctionItem, Peer, Stats } from '../../../model/rest.ts'
import type { InvocationList } from '../../../model/rest-invocations.ts'
import type { EventItem } from '../../../model/rest-events.ts'
import type { StatsHistoryBody } from '../../../model/rest-telemetry.ts'
import type { Link } from './link.ts'
import { type Sample, withHistory, withSample } from './samples.ts'

/** Events of calls that the page keeps for reading; a peer keeps 1,000. */
export const CALL_EVENTS_MAX = 400

/** All other events that it keeps: what happens once an hour is of interest when thousands of calls have come since. */
export const OTHER_EVENTS_MAX = 200

/** Uploads that the page keeps, so that calls do not push them out. */
export const UPLOADS_MAX = 200

/** One upload as its event told of it. */
export type Upload = Extract<EventItem, { type: 'function:uploaded' }>

/** All that the page knows. What is null has not been heard yet. Everything in it is bounded, however long the page stays open. */
export interface LiveState {
  readonly link: Link
  readonly streaming: boolean
  /** By this machine's clock: when the newest numbers came. */
  readonly dataAtMs: number | null
  /** Add to this machine's clock to get the peer's. */
  readonly clockOffsetMs: number
  readonly peers: readonly Peer[] | null
  readonly cluster: Cluster | null
  readonly stats: Stats | null
  readonly functions: readonly FunctionItem[] | null
  /** The newest of the whole cluster. */
  readonly calls: InvocationList | null
  /** Newest first. */
  readonly events: readonly EventItem[]
  /** Newest first. */
  readonly uploads: readonly Upload[]
  /** Oldest first. */
  readonly samples: readonly Sample[]
}

/** What can happen to the page's knowledge. Times are of this machine's clock. */
export type Input =
  | {
      readonly type: 'polled'
      readonly nowMs: number
      readonly peers: readonly Peer[]
      readonly cluster: Cluster
      readonly stats: Stats
      readonly functions?: readonly FunctionItem[] | undefined
      readonly calls?: InvocationList | undefined
    }
  /** What was before the page was opened. */
  | { readonly type: 'history'; readonly history: StatsHistoryBody }
  | { readonly type: 'events'; readonly items: readonly EventItem[] }
  | { readonly type: 'stream'; readonly open: boolean }
  | { readonly type: 'lost'; readonly reason: string }
  | { readonly type: 'locked'; readonly refused: boolean }
  | { readonly type: 'unlocked' }

/** The knowledge of a page that has just been opened. */
export const UNKNOWN: LiveState = {
  link: { state: 'connecting' },
  streaming: false,
  dataAtMs: null,
  clockOffsetMs: 0,
  peers: null,
  cluster: null,
  stats: null,
  functions: null,
  calls: null,
  events: [],
  uploads: [],
  samples: []
}

/** As many of each kind as there is room for. Newest first, as they come. */
function kept(events: readonly EventItem[]): readonly EventItem[] {
  let [calls, others] = [0, 0]
  return events.filter(({ type }) => (type.startsWith('invocation:') ? calls++ < CALL_EVENTS_MAX : others++ < OTHER_EVENTS_MAX))
}

/** The knowledge after `input`. What was known before stays readable while the peer does not answer. */
export function reduce(state: LiveState, input: Input): LiveState {
  switch (input.type) {
    case 'polled': {
      const { nowMs, peers, cluster, stats } = input
      return {
        ...state,
        link: { state: 'answered' },
        dataAtMs: nowMs,
        clockOffsetMs: Date.parse(stats.at) - nowMs,
        peers,
        cluster,
        stats,
        functions: input.functions ?? state.functions,
        calls: input.calls ?? state.calls,
        samples: withSample(state.samples, stats)
      }
    }
    case 'history':
      return { ...state, samples: withHistory(state.samples, input.history, state.peers ?? []) }
    case 'events': {
      const newestFirst = input.items.toReversed()
      const uploads = newestFirst.filter(event => event.type === 'function:uploaded')
      return {
        ...state,
        events: kept([...newestFirst, ...state.events]),
        uploads: [...uploads, ...state.uploads].slice(0, UPLOADS_MAX)
      }
    }
    case 'stream':
      return { ...state, streaming: input.open }
    case 'lost':
      return { ...state, link: { state: 'lost', reason: input.reason }, streaming: false }
    case 'locked':
      return { ...state, link: { state: 'locked', refused: input.refused }, streaming: false }
    case 'unlocked':
      return { ...state, link: { state: 'connecting' } }
  }
}
