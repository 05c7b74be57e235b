import type { Digest, PeerId } from './ids.ts'
import type { StartKind } from './invocation.ts'

/** What one execution took: the food of the predictor. */
export interface Observation {
  /** See `functionKey`. */
  readonly function: string
  readonly digest: Digest
  readonly peer: PeerId
  readonly start: StartKind
  readonly inputBytes: number
  readonly outputBytes: number
  readonly pullMs: number
  readonly startMs: number
  readonly runMs: number
  readonly cpuMs?: number | undefined
  readonly memoryPeakBytes?: number | undefined
  /** Whether the peer had idle cores all along, as far as the placer can tell. */
  readonly clean: boolean
}
