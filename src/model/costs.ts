import type { PeerId } from './ids.ts'

/** What costs can be grouped by. */
export const COST_KEYS = ['function', 'caller', 'peer'] as const

/** See {@link COST_KEYS}. */
export type CostKey = (typeof COST_KEYS)[number]

/** Sums over some calls and tasks. */
export interface CostAmounts {
  readonly calls: number
  /** Tasks that have ended, each counted where its last attempt ran. Absent: from a peer of an earlier version, which counts none. */
  readonly tasks?: number | undefined
  readonly failed: number
  /** Calls that have succeeded: those that `regretMs` is of. Absent: from a peer of an earlier version, which does not say. */
  readonly succeeded?: number | undefined
  /** CPU time: milliseconds of one core. */
  readonly cpuMs: number
  /** Memory limit times run time, in 10^9 bytes times milliseconds. */
  readonly gbMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly usd: number
  /**
   * The part of `usd` that rests on time alone: of attempts of tasks that nobody could measure. Absent: from a peer of an earlier version, which does not say.
   */
  readonly estimatedUsd?: number | undefined
  /** What `usd` was expected to be. */
  readonly quotedUsd: number
  readonly runMs: number
  /** Of calls: from acceptance to the last byte. Of tasks: of each attempt, from its assignment to its end. */
  readonly totalMs: number
  /** What `totalMs` was expected to be. */
  readonly predictedMs: number
  /** By how much the best other peer was expected to be quicker than the chosen one really was, summed over calls that succeeded; 0 where it was not. */
  readonly regretMs: number
}

/** Costs of one function, or of tasks of one image, for one caller on one peer. */
export interface CostRow extends CostAmounts {
  /** Its name; of tasks that run no function: `image:` and their image. */
  readonly function: string
  /** As the client named itself; empty when it did not. */
  readonly caller: string
  readonly peer: PeerId
}

/** What one peer has counted since it started: calls that came in there, and tasks that ended there. */
export interface CostLedger {
  readonly since: string
  readonly rows: readonly CostRow[]
}
