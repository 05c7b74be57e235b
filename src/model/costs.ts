import type { PeerId } from './ids.ts'

/** What costs are told apart by. */
export const COST_KEYS = ['function', 'caller', 'peer'] as const

/** See {@link COST_KEYS}. */
export type CostKey = (typeof COST_KEYS)[number]

/** Sums over some calls. */
export interface CostAmounts {
  readonly calls: number
  readonly failed: number
  /** Of one core. */
  readonly cpuMs: number
  /** Memory limit times run time, in 10^9 bytes times milliseconds. */
  readonly gbMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly usd: number
  /** What the placements expected `usd` to be. */
  readonly quotedUsd: number
  readonly runMs: number
  readonly totalMs: number
  /** What the placements expected `totalMs` to be. */
  readonly predictedMs: number
  /** See `regretMs` of the REST API. */
  readonly regretMs: number
}

/** Costs of one function for one caller on one peer. */
export interface CostRow extends CostAmounts {
  readonly function: string
  /** As the client named itself; empty when it did not. */
  readonly caller: string
  readonly peer: PeerId
}

/** What one gateway has counted since it started. */
export interface CostLedger {
  readonly since: string
  readonly rows: readonly CostRow[]
}
