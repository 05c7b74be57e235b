import type { Objective, StrategyName } from '../../model/placement.ts'
import type { QueueOrder } from './admission/queue-order.ts'

/**
 * One feasible peer, as a strategy sees it: numbers only, so that whoever has them can work out the score again. The object is used again for
 * the next peer: read it, do not keep it.
 */
export interface Candidate {
  /** Expected milliseconds until the answer is there: `CostMs.total`. */
  readonly totalMs: number
  /** The part of it in which the peer is occupied: start, pull, queue and run. */
  readonly occupiedMs: number
  /** Expected US dollars; 0 where the peer states no price. */
  readonly usd: number
  /** Share of the peer's cores that would be wanted with the work on it; above 1 when cores are shared. */
  readonly cpuLoad: number
  /** The same for memory that is promised. */
  readonly memoryLoad: number
  /** Share of the peer's cores that the work asks for. */
  readonly cpuShare: number
  /** When the peer is next in turn, see the strategy `round-robin`. */
  readonly turn: number
  /** The peer's place in an order that is always the same, from 0 to 1. */
  readonly place: number
  readonly field: Field
}

/** What is true of all feasible peers together. */
export interface Field {
  /** Least `totalMs`. */
  readonly bestMs: number
  /** Whether all state a price, and not all the same. */
  readonly pricesDiffer: boolean
}

/** What makes one feasible peer better than another. Feasibility and picking are the same for all; each strategy has its own file. */
export interface Strategy {
  /** As receipts name it. */
  readonly name: StrategyName
  /** Of `cost`: what it weighs time and money by. Absent: it weighs neither against the other. */
  readonly objective?: Objective | undefined
  /** Scores within this share of the best count as equal, and one of them is drawn. */
  readonly bandRatio: number
  /** How work waits that nobody can have yet. @default 'interactive' */
  readonly queueOrder?: QueueOrder | undefined
  /** Lower is better. Depends on its argument only. */
  score(candidate: Candidate): number
}
