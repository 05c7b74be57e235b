import type { CacheNeed } from './llc.ts'
import type { CallPolicy } from './function.ts'
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
  /** CPU architecture of the image, see `FunctionRecord`. Absent: any peer's will do. */
  readonly arch?: string | undefined
  /** Size of the request body; the declared one, or 0 when it is not known. */
  readonly inputBytes: number
  /** Only this peer will do. */
  readonly pinnedTo?: PeerId | undefined
  /** Peers that have refused or failed this invocation already. */
  readonly exclude: readonly PeerId[]
  /** Milliseconds left. */
  readonly deadlineMs: number
  /** A peer where it is expected to cost more cannot have it. Absent: there is no limit. */
  readonly maxCostUsd?: number | undefined
  /** GPUs that a container has to itself. Absent: none. */
  readonly gpus?: number | undefined
  /** What the labels of a peer must be like, see `meets`. Absent: anything. */
  readonly require?: readonly string[] | undefined
  readonly estimate: Estimate
}

/** What the predictor expects one execution to take on an idle peer of reference speed. */
export interface Estimate {
  readonly runMs: number
  readonly coldStartMs: number
  readonly warmStartMs: number
  /** Time to bring the image to a peer that lacks it, as observed at other peers. Absent: not observed; it is reckoned from the image's size. */
  readonly pullMs?: number | undefined
  readonly outputBytes: number
  /** Executions that the estimate rests on; 0: nothing but defaults. */
  readonly samples: number
  /** All but about one execution in twenty take no longer than this. Absent: nothing has run. */
  readonly runMsUpper?: number | undefined
  /** All but about one cold start in twenty take no longer than this. Absent: by a peer of an earlier version, or nothing has run. */
  readonly coldStartMsUpper?: number | undefined
  /** The same of starts where a program waits already. */
  readonly warmStartMsUpper?: number | undefined
  /** Half of the recent predictions of the run time were off by less than this share: 0.1 for 10 %. Absent: there were none. */
  readonly runErrorRatio?: number | undefined
  /** Milliseconds of one core. Absent: not measured. */
  readonly cpuMs?: number | undefined
  /** The most memory at any moment. Absent: not measured. */
  readonly memoryPeakBytes?: number | undefined
  /** All but about one execution in twenty need no more than this. Absent: not measured. */
  readonly memoryPeakBytesUpper?: number | undefined
  /** How the run time was estimated. Absent: by a peer of an earlier version. */
  readonly basis?: EstimateBasis | undefined
  /** Absent: nothing is known of it. */
  readonly cache?: CacheNeed | undefined
}

/**
 * What an estimate rests on: `prior`: an assumption; `image`: executions of an earlier image of the function; `line`: one or two executions; the others
 * name the expert of `core/predictor/experts/` that predicted best so far.
 */
export const ESTIMATE_BASES = ['prior', 'image', 'line', 'typical', 'nearest', 'affine', 'local'] as const

/** See {@link ESTIMATE_BASES}. */
export type EstimateBasis = (typeof ESTIMATE_BASES)[number]

/** Expected milliseconds from the placement to the last byte of the answer, by cause. Lower is better. */
export interface CostMs {
  readonly network: number
  readonly start: number
  readonly pull: number
  readonly queue: number
  readonly run: number
  /** Extra run time, because the last-level cache of the peer is expected to be short. Absent: it is not, or nothing is known. */
  readonly cache?: number | undefined
  readonly total: number
}

/** Ways to choose among the workers that can have an execution; the first is the default. */
export const STRATEGY_NAMES = [
  'cost',
  'greedy',
  'round-robin',
  'balanced',
  'load-balanced',
  'aggressive',
  'predictive',
  'multi-objective'
] as const

/** See {@link STRATEGY_NAMES}. */
export type StrategyName = (typeof STRATEGY_NAMES)[number]

/** What a call should save: time whatever the price, both (10 % of time is worth about 20 % of money), or money above all. */
export const OBJECTIVES = ['latency', 'balanced', 'cheap'] as const

/** See {@link OBJECTIVES}. */
export type Objective = (typeof OBJECTIVES)[number]

/** The strategy that a cluster has agreed on for functions that name none. */
export interface AgreedStrategy {
  readonly name: StrategyName
  /** Of `cost` only. Absent: balanced. */
  readonly objective?: Objective | undefined
}

/** Why a peer cannot have the work, in the order in which it is tested, cheapest first: the first that meets a peer is the one that counts. */
export const REJECTION_REASONS = [
  'not_alive',
  'draining',
  'excluded',
  'not_pinned',
  'no_runtime',
  'wrong_arch',
  'gpus',
  'labels',
  'memory',
  'slots',
  'deadline',
  'budget'
] as const

/** See {@link REJECTION_REASONS}. */
export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** See `Candidate` of the scheduler. */
export interface ScoreTerms {
  /** Of the whole machine. */
  readonly usdPerHour: number
  readonly usd: number
  readonly cpuLoad: number
  readonly memoryLoad: number
  readonly cpuShare: number
  readonly turn: number
  readonly place: number
  /** What those that run there are expected to leave of the last-level cache. Absent: its size is not known. */
  readonly llcFreeBytes?: number | undefined
}

/** One peer as the placement saw it. */
export type Verdict =
  | {
      readonly peer: PeerId
      readonly fits: true
      readonly cost: CostMs
      readonly start: 'warm' | 'cold'
      /** What the strategy made of the peer; lower is better. Absent: the total cost is what decided. */
      readonly score?: number | undefined
      /** The other numbers that strategies go by: with them and the cost the score can be worked out again. Absent: an older peer placed. */
      readonly terms?: ScoreTerms | undefined
    }
  | {
      readonly peer: PeerId
      readonly fits: false
      readonly reason: RejectionReason
      /** What it needs and what there is, in the unit of the reason (bytes, executions, ms). */
      readonly needed?: number | undefined
      readonly available?: number | undefined
      /** Of `labels`: the first constraint that it does not meet, such as `zone=eu`. */
      readonly constraint?: string | undefined
      /** Of `wrong_arch`: the CPU architectures of the image and of the peer. Absent: an older peer placed. */
      readonly arch?: { readonly image: string; readonly peer: string } | undefined
    }

/** The outcome of one placement, with the numbers that decided. */
export interface Decision {
  readonly chosen: PeerId | null
  /** What is expected of the chosen one, the same as in its verdict. Null: nobody was chosen. Absent: an older peer decided. */
  readonly expected?:
    | { readonly start: 'warm' | 'cold'; readonly queueMs: number; readonly totalMs: number; readonly usd: number }
    | null
    | undefined
  /** Computed by the placer when they are first read: code that does not need them should not touch them. */
  readonly verdicts: readonly Verdict[]
  /** Peers that were not looked at, because the candidate set is bounded. */
  readonly skipped: number
  /** Of each rejection reason, how many peers it met. */
  readonly rejected: Readonly<Partial<Record<RejectionReason, number>>>
}

/** Who placed: the elected orchestrator, or a gateway that could not reach one. */
export const PLACEMENT_KINDS = ['orchestrator', 'fallback'] as const

/** See {@link PLACEMENT_KINDS}. */
export type PlacementKind = (typeof PLACEMENT_KINDS)[number]

/** The record of one placement that `cares explain` shows. */
export interface Receipt {
  readonly invocation: InvocationId
  readonly function: string
  readonly at: string
  readonly by: PeerId
  readonly term: Term
  readonly placement: PlacementKind
  readonly strategy: string
  /** What the strategy weighed time and money by, where it did. */
  readonly objective?: Objective | undefined
  /** What the call itself asked for, beside what its function does. */
  readonly asked?: CallPolicy | undefined
  /** Declared parameters of the call, see `Observation`. */
  readonly params?: string | undefined
  readonly round: number
  readonly try: number
  readonly cpus: number
  readonly memoryBytes: number
  readonly imageBytes: number
  /** GPUs that its container has to itself. Absent: none. */
  readonly gpus?: number | undefined
  readonly estimate: Estimate
  readonly decision: Decision
  /** Age of the oldest statistics among the candidates. */
  readonly viewAgeMs: number
}
