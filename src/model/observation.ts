import type { Digest, PeerId } from './ids.ts'
import type { StartKind } from './invocation.ts'

/** What one execution used, for the predictor to learn from. */
export interface Observation {
  /** See `functionKey`. */
  readonly function: string
  readonly digest: Digest
  readonly peer: PeerId
  readonly start: StartKind
  /** Declared parameters of the call, as its client wrote them: predictions prefer executions with the same ones. Absent: none. */
  readonly params?: string | undefined
  readonly inputBytes: number
  readonly outputBytes: number
  readonly pullMs: number
  readonly startMs: number
  /** Where others used the same cores: what it would have been without them, as far as the placer could tell. */
  readonly runMs: number
  readonly cpuMs?: number | undefined
  readonly memoryPeakBytes?: number | undefined
  /** See `Usage`. */
  readonly llcBytes?: number | undefined
  /** See `Usage`. */
  readonly llcUsedBytes?: number | undefined
  /** Whether the peer had idle cores all along, as far as the placer can tell. */
  readonly clean: boolean
}

/** An observation as peers share it. */
export interface SharedObservation extends Observation {
  /** The placer that made it. */
  readonly origin: PeerId
  /** Rises with each observation of an origin, across its restarts; may have gaps. */
  readonly seq: number
  /** When the execution had ended, RFC 3339, by the origin's clock. For display. */
  readonly at: string
}

/** For each origin, the newest `seq` of which a peer knows. */
export type KnownObservations = Readonly<Record<PeerId, number>>
