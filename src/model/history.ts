import type { PeerId } from './ids.ts'

/** How fine a history is, and how far it goes back. */
export interface HistoryResolution {
  /** Length of one step. */
  readonly stepMs: number
  /** Steps kept. */
  readonly steps: number
}

/** The two resolutions that every peer keeps: 5 s for an hour, and a minute for a day. */
export const HISTORY: { readonly fine: HistoryResolution; readonly coarse: HistoryResolution } = {
  fine: { stepMs: 5_000, steps: 720 },
  coarse: { stepMs: 60_000, steps: 1_440 }
}

/**
 * Upper bounds of the classes that durations of calls are counted in, in milliseconds: six to a decade, so that a quantile is right within a
 * fifth. What takes longer is counted in one more class.
 */
export const LATENCY_CLASSES_MS: readonly number[] = [
  1, 1.5, 2.2, 3.3, 4.7, 6.8, 10, 15, 22, 33, 47, 68, 100, 150, 220, 330, 470, 680, 1_000, 1_500, 2_200, 3_300, 4_700, 6_800, 10_000,
  15_000, 22_000, 33_000, 60_000, 300_000
]

/** One number a step, oldest first; null: nothing was known of that step. */
export type Series = readonly (number | null)[]

/** What one peer used and did. Uses are those at the end of each step, or their mean over a coarse one; counts are of each step. */
export interface PeerHistory {
  readonly id: PeerId
  readonly name: string
  readonly cpusUsed: Series
  readonly memoryUsedBytes: Series
  readonly diskUsedBytes: Series
  readonly cpusReserved: Series
  readonly memoryReservedBytes: Series
  readonly running: Series
  /** Executions that ended well within the step. */
  readonly succeeded: Series
  readonly failed: Series
}

/** The calls of one function, through one gateway or several, by the step in which they ended. */
export interface FunctionHistory {
  readonly name: string
  readonly calls: readonly number[]
  readonly failed: readonly number[]
  readonly cold: readonly number[]
  /** For each step the counts of {@link LATENCY_CLASSES_MS} and of what took longer; null where nothing ended. */
  readonly latency: readonly (readonly number[] | null)[]
}

/** The past in completed steps. All series have the same length and end at the same time. */
export interface StatsHistory {
  readonly stepMs: number
  /** How long ago the last step ended. */
  readonly ageMs: number
  readonly steps: number
  readonly peers: readonly PeerHistory[]
  readonly functions: readonly FunctionHistory[]
}

/** The past of the whole cluster, as far as its peers tell. */
export interface ClusterHistory extends StatsHistory {
  /** Live peers that did not answer: calls through them are not in `functions`. */
  readonly missing: readonly PeerId[]
}

/**
 * Adds up the calls through several gateways, function by function. The series are aligned at their newest steps; since every peer counts its steps
 * from its own start, a call may appear one step off. Older steps that only some gateways know hold the calls of those.
 */
export function sumFunctions(histories: readonly FunctionHistory[]): readonly FunctionHistory[] {
  const byName = Map.groupBy(histories, ({ name }) => name)
  return [...byName].map(([name, all]) => ({
    name,
    calls: summed(all.map(({ calls }) => calls)),
    failed: summed(all.map(({ failed }) => failed)),
    cold: summed(all.map(({ cold }) => cold)),
    latency: laidOver(all.map(({ latency }) => latency)).map(step => {
      const known = step.filter(counts => counts !== undefined && counts !== null)
      return known.length === 0 ? null : summed(known)
    })
  }))
}

/** The newest `steps` of a series; what is missing at its beginning is `empty`. */
export function newest<Value>(series: readonly Value[], steps: number, empty: Value): readonly Value[] {
  const kept = steps === 0 ? [] : series.slice(-steps)
  return [...Array<Value>(steps - kept.length).fill(empty), ...kept]
}

/** Several series of counts as one; the last steps of all are the same one. */
export function summed(series: readonly (readonly number[])[]): readonly number[] {
  return laidOver(series).map(step => step.reduce<number>((sum, count) => sum + (count ?? 0), 0))
}

/** For each step what each series has there, the last steps of all being the same one. */
function laidOver<Value>(series: readonly (readonly Value[])[]): (Value | undefined)[][] {
  const steps = Math.max(0, ...series.map(({ length }) => length))
  return Array.from({ length: steps }, (_, step) => series.map(values => values[step - steps + values.length]))
}

/**
 * The duration below which the share `q` (0 to 1) of the counted calls stayed, by linear interpolation within its class; null when none was
 * counted. What took longer than the last class counts as its bound.
 */
export function quantileMs(counts: readonly number[], q: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const rank = q * total
  let below = 0
  for (const [index, count] of counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const upper = LATENCY_CLASSES_MS[index]
      const lower = LATENCY_CLASSES_MS[index - 1] ?? 0
      return upper === undefined ? lower : lower + (upper - lower) * Math.max(0, (rank - below) / count)
    }
    below += count
  }
  return LATENCY_CLASSES_MS.at(-1) ?? null
}

/** The class of {@link LATENCY_CLASSES_MS} that a duration is counted in. */
export function latencyClass(ms: number): number {
  const index = LATENCY_CLASSES_MS.findIndex(bound => ms <= bound)
  return index === -1 ? LATENCY_CLASSES_MS.length : index
}
