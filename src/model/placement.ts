import type { Digest, InvocationId, PeerId, Term } from './ids.ts'

/** What the placement of one execution needs to know about it. */
export interface PlacementRequest {
  readonly invocation: InvocationId
  /** See `functionKey`. */
  readonly function: string
  readonly digest: Digest
  readonly imageBytes: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly arch?: string | undefined
  /** Size of the request body; the declared one, or 0 when it is not known. */
  readonly inputBytes: number
  /** Only this peer will do. */
  readonly pinnedTo?: PeerId | undefined
  /** Peers that have refused or failed this invocation already. */
  readonly exclude: readonly PeerId[]
  /** Milliseconds left. */
  readonly deadlineMs: number
  readonly estimate: Estimate
}

/** What the predictor expects one execution to take on an idle peer of reference speed. */
export interface Estimate {
  readonly runMs: number
  readonly coldStartMs: number
  readonly warmStartMs: number
  readonly outputBytes: number
  /** Executions that the estimate rests on; 0: nothing but defaults. */
  readonly samples: number
}

/** Expected milliseconds from the placement to the last byte of the answer, by cause. Lower is better. */
export interface CostMs {
  readonly network: number
  readonly start: number
  readonly pull: number
  readonly queue: number
  readonly run: number
  readonly total: number
}

/** Why a peer cannot have the work. The order is the order in which they are tested. */
export type RejectionReason =
  | 'not_alive'
  | 'draining'
  | 'excluded'
  | 'not_pinned'
  | 'no_runtime'
  | 'wrong_arch'
  | 'memory'
  | 'slots'
  | 'deadline'

/** One peer as the placement saw it. */
export type Verdict =
  | { readonly peer: PeerId; readonly fits: true; readonly cost: CostMs; readonly start: 'warm' | 'cold' }
  | {
      readonly peer: PeerId
      readonly fits: false
      readonly reason: RejectionReason
      /** What it needs and what there is, in the unit of the reason (bytes, executions, ms). */
      readonly needed?: number | undefined
      readonly available?: number | undefined
    }

/** The outcome of one placement, with the numbers that decided. */
export interface Decision {
  readonly chosen: PeerId | null
  readonly verdicts: readonly Verdict[]
  /** Peers that were not looked at, because the candidate set is bounded. */
  readonly skipped: number
  /** Of each rejection reason, how many peers it met. */
  readonly rejected: Readonly<Partial<Record<RejectionReason, number>>>
}

/** Who placed: the elected orchestrator, or a gateway that could not reach one. */
export type PlacementKind = 'orchestrator' | 'fallback'

/** The record of one placement that `cares explain` shows. */
export interface Receipt {
  readonly invocation: InvocationId
  readonly function: string
  readonly at: string
  readonly by: PeerId
  readonly term: Term
  readonly placement: PlacementKind
  readonly strategy: string
  readonly round: number
  readonly try: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly imageBytes: number
  readonly estimate: Estimate
  readonly decision: Decision
  /** Age of the oldest statistics among the candidates. */
  readonly viewAgeMs: number
}
