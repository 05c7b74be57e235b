import {
  type FunctionHistory,
  HISTORY,
  LATENCY_CLASSES_MS,
  latencyClass,
  type PeerHistory,
  type Series,
  type StatsHistory
} from '../../model/history.ts'
import type { PeerId, Session } from '../../model/ids.ts'
import { executionsOf, type PeerView } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import { SeriesRing } from './series-ring.ts'

/** How often the clock is checked for the end of a step: often enough to record it soon after, even in a busy process. */
const LOOK_MS = 1_000
/** Most peers with series: more than a cluster is made for. At 70 kB each for a day this is 18 MB. Beyond it, the one that is silent for longest goes. */
const PEERS_MAX = 256
/** Most functions with series: at 290 kB each for a day this is 19 MB. Further ones are counted as `other`. */
const FUNCTIONS_MAX = 64
const OTHER = 'other'

/** Columns of a peer: first what is measured at the end of a step, then what is counted within it. */
const USES = ['cpusUsed', 'memoryUsedBytes', 'diskUsedBytes', 'cpusReserved', 'memoryReservedBytes', 'running'] as const
const COUNTS = ['succeeded', 'failed'] as const
const PEER_COLUMNS = [...USES, ...COUNTS] as const
/** Columns of a function: these, and behind them the classes of duration. */
const [CALLS, FAILED, COLD, LATENCY] = [0, 1, 2, 3] as const
const CLASSES = LATENCY_CLASSES_MS.length + 1
const STEPS_PER_MINUTE = HISTORY.coarse.stepMs / HISTORY.fine.stepMs

/** The same series in both resolutions. */
interface Rings {
  readonly fine: SeriesRing
  readonly coarse: SeriesRing
}

interface PeerSeries extends Rings {
  name: string
  session: Session
  succeeded: number
  failed: number
}

/** One call that has ended. */
export interface EndedCall {
  readonly function: string
  readonly totalMs: number
  readonly failed: boolean
  readonly cold: boolean
}

export interface HistoryComponents {
  readonly clock: Clock
  readonly views: () => readonly PeerView[]
}

/** What the peers used and did, and how the calls of this gateway went, for the last hour in steps of 5 s and the last day in minutes. */
export class History implements Startable {
  readonly #components: HistoryComponents
  readonly #startMs: number
  readonly #peers = new Map<PeerId, PeerSeries>()
  readonly #functions = new Map<string, Rings>()
  /** The step that is going on, and the minutes that are over, when it was last looked. */
  #lookedAtStep = 0
  #minutesOver = 0
  #timer: Disposable | undefined

  constructor(components: HistoryComponents) {
    this.#components = components
    this.#startMs = components.clock.nowMs()
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(LOOK_MS, () => this.#look())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** Counts a call of this gateway in the steps that are going on. */
  count({ function: fn, totalMs, failed, cold }: EndedCall): void {
    const { fine, coarse } = this.#functionOf(fn)
    for (const [ring, step] of [
      [fine, this.#currentStep],
      [coarse, Math.floor(this.#currentStep / STEPS_PER_MINUTE)]
    ] as const) {
      ring.add(step, CALLS, 1)
      if (failed) ring.add(step, FAILED, 1)
      if (cold) ring.add(step, COLD, 1)
      ring.add(step, LATENCY + latencyClass(totalMs), 1)
    }
  }

  /** Calls of a function that ended within the last `steps` fine steps, the one that goes on included, and how many of them failed. */
  recent(fn: string, steps: number): { function: string; calls: number; failed: number } {
    const ring = this.#functions.get(fn)?.fine
    let [calls, failed] = [0, 0]
    for (let step = this.#currentStep; step > this.#currentStep - steps; step--) {
      calls += ring?.get(step, CALLS) ?? 0
      failed += ring?.get(step, FAILED) ?? 0
    }
    return { function: fn, calls, failed }
  }

  /** Functions that are counted one by one. */
  functions(): readonly string[] {
    return [...this.#functions.keys()]
  }

  /** The steps that are over and began within the last `sinceMs`: fine ones as far as they go back, else minutes. */
  read({ sinceMs }: { sinceMs: number }): StatsHistory {
    const isFine = sinceMs <= HISTORY.fine.stepMs * HISTORY.fine.steps
    const { stepMs, steps: kept } = isFine ? HISTORY.fine : HISTORY.coarse
    const elapsedMs = this.#components.clock.nowMs() - this.#startMs
    const over = Math.floor(elapsedMs / stepMs)
    // What was before this peer's life is not known: it is left out, not drawn as nothing.
    const steps = Math.min(Math.ceil(sinceMs / stepMs), kept - 1, over)
    const resolution = isFine ? 'fine' : 'coarse'
    const span = { from: over - steps, steps }
    return {
      stepMs,
      ageMs: elapsedMs - over * stepMs,
      steps,
      peers: [...this.#peers].map(([id, series]) => peerHistory(id, series.name, series[resolution], span)),
      functions: [...this.#functions].map(([name, series]) => functionHistory(name, series[resolution], span))
    }
  }

  get #currentStep(): number {
    return Math.floor((this.#components.clock.nowMs() - this.#startMs) / HISTORY.fine.stepMs)
  }

  /** Writes down the steps that are over. */
  #look(): void {
    if (this.#currentStep === this.#lookedAtStep) return
    this.#lookedAtStep = this.#currentStep
    const step = this.#currentStep - 1
    for (const view of this.#components.views()) if (view.state !== 'gone') this.#sample(step, view)
    const minutesOver = Math.floor(this.#currentStep / STEPS_PER_MINUTE)
    if (minutesOver > this.#minutesOver) {
      this.#minutesOver = minutesOver
      for (const series of this.#peers.values()) summarise(series, minutesOver - 1)
    }
    this.#forget(step)
  }

  #sample(step: number, { profile, stats }: PeerView): void {
    const series = this.#peerOf(profile.id)
    // A peer that has restarted, or is new here, counts from the start of its session; what it did before it was seen is no news.
    const isNew = series.fine.newest === -1
    const restarted = series.session !== profile.session
    const before = restarted ? { succeeded: 0, failed: 0 } : series
    for (const [column, name] of USES.entries()) series.fine.set(step, column, name === 'running' ? executionsOf(stats) : stats[name])
    for (const [index, name] of COUNTS.entries()) {
      const since = isNew ? 0 : Math.max(0, stats[name] - before[name])
      series.fine.set(step, USES.length + index, since)
    }
    const { succeeded, failed } = stats
    Object.assign(series, { name: profile.name, session: profile.session, succeeded, failed })
  }

  #peerOf(id: PeerId): PeerSeries {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const series = { ...rings(PEER_COLUMNS.length, Number.NaN), name: '', session: -1, succeeded: 0, failed: 0 }
    this.#peers.set(id, series)
    return series
  }

  #functionOf(name: string): Rings {
    const key = this.#functions.has(name) || this.#functions.size < FUNCTIONS_MAX ? name : OTHER
    const known = this.#functions.get(key)
    if (known !== undefined) return known
    const series = rings(LATENCY + CLASSES, 0)
    this.#functions.set(key, series)
    return series
  }

  /** Lets go of series that hold nothing any more, and of the most silent peers where there are too many. */
  #forget(step: number): void {
    const oldest = step - HISTORY.coarse.steps * STEPS_PER_MINUTE
    for (const [id, { fine }] of this.#peers) if (fine.newest < oldest) this.#peers.delete(id)
    for (const [name, { fine }] of this.#functions) if (fine.newest < oldest) this.#functions.delete(name)
    const excess = this.#peers.size - PEERS_MAX
    if (excess <= 0) return
    const bySilence = [...this.#peers].sort(([, a], [, b]) => a.fine.newest - b.fine.newest)
    for (const [id] of bySilence.slice(0, excess)) this.#peers.delete(id)
  }
}

function rings(columns: number, empty: number): Rings {
  return {
    fine: new SeriesRing({ columns, rows: HISTORY.fine.steps, empty }),
    coarse: new SeriesRing({ columns, rows: HISTORY.coarse.steps, empty })
  }
}

/** One minute of a peer: the mean of its uses, the sum of its counts. */
function summarise({ fine, coarse }: Rings, minute: number): void {
  for (const column of PEER_COLUMNS.keys()) {
    const known = Array.from({ length: STEPS_PER_MINUTE }, (_, i) => fine.get(minute * STEPS_PER_MINUTE + i, column)).filter(
      value => !Number.isNaN(value)
    )
    if (known.length === 0) continue
    const sum = known.reduce((total, value) => total + value, 0)
    coarse.set(minute, column, column < USES.length ? sum / known.length : sum)
  }
}

interface Span {
  readonly from: number
  readonly steps: number
}

function column(ring: SeriesRing, index: number, { from, steps }: Span): number[] {
  return Array.from({ length: steps }, (_, i) => ring.get(from + i, index))
}

function peerHistory(id: PeerId, name: string, ring: SeriesRing, span: Span): PeerHistory {
  const series = Object.fromEntries(
    PEER_COLUMNS.map((key, index) => [key, column(ring, index, span).map(value => (Number.isNaN(value) ? null : value))])
  ) as Record<string, Series> as Record<(typeof PEER_COLUMNS)[number], Series>
  return { id, name, ...series }
}

function functionHistory(name: string, ring: SeriesRing, span: Span): FunctionHistory {
  const calls = column(ring, CALLS, span)
  return {
    name,
    calls,
    failed: column(ring, FAILED, span),
    cold: column(ring, COLD, span),
    latency: calls.map((count, i) =>
      count === 0 ? null : Array.from({ length: CLASSES }, (_, index) => ring.get(span.from + i, LATENCY + index))
    )
  }
}
