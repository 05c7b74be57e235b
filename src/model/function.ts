import type { Digest } from './ids.ts'
import type { Objective, StrategyName } from './placement.ts'

/** How a body gets into a container and an answer out of it: `stdio` (stdin to stdout, one process for each call) or `http` (a warm server). */
export const CONTRACTS = ['stdio', 'http'] as const

/** See {@link CONTRACTS}. */
export type Contract = (typeof CONTRACTS)[number]

/** What a function's containers may reach: nothing, or the outside world through the engine's default network. */
export const NETWORK_POLICIES = ['none', 'egress'] as const

/** See {@link NETWORK_POLICIES}. */
export type NetworkPolicy = (typeof NETWORK_POLICIES)[number]

/** When an image is fetched from its registry: at every upload, if this peer does not have it, or never. */
export const PULL_POLICIES = ['always', 'missing', 'never'] as const

/** See {@link PULL_POLICIES}. */
export type PullPolicy = (typeof PULL_POLICIES)[number]

/** What the user decided about a function. Everything here is part of the revision. */
export interface FunctionSpec {
  /** `[a-z][a-z0-9-]{0,62}`, unique in the cluster. */
  readonly name: string
  /** The image reference as the user wrote it; with the `process` runtime, a command line. */
  readonly image: string
  readonly contract: Contract
  /** The port an `http` container serves on; 0 with `stdio`. */
  readonly port: number
  /** Path that answers below 400 when an `http` container is ready; absent: ready once the port accepts. */
  readonly readyPath?: string | undefined
  /** CPU limit of one container, in cores. */
  readonly cpus: number
  /** Memory limit of one container. */
  readonly memoryBytes: number
  /** GPUs that each container has to itself. Absent: none. */
  readonly gpus?: number | undefined
  /** Longest an invocation may take from its arrival at the gateway to its last byte. */
  readonly timeoutMs: number
  /** Calls that one `http` container serves at once; 1 with `stdio`. */
  readonly concurrency: number
  /** `stdio` containers kept started ahead, each for one call; `auto`: as many as the calls of late use up. */
  readonly prewarm: number | 'auto'
  /** Whether running an invocation twice does no harm, so that it may be retried when it may have started. */
  readonly idempotent: boolean
  readonly env: Readonly<Record<string, string>>
  readonly network: NetworkPolicy
  /** Absent: the placing peer decides. */
  readonly placement?: PlacementPolicy | undefined
}

/** How workers for a function's calls are chosen. Where a field is absent, the placing peer decides. */
export interface PlacementPolicy {
  readonly strategy?: StrategyName | undefined
  /** What the strategy `cost` saves. */
  readonly objective?: Objective | undefined
  /** A call that is expected to cost more is refused. Only peers that state a price can cost anything. */
  readonly maxCostUsd?: number | undefined
  /** What the labels of a worker must be like: `zone=eu`, `zone!=us`, `gpu`. At most {@link CONSTRAINTS_MAX}. */
  readonly require?: readonly string[] | undefined
}

/** What one call asks of its placement beside what its function does. It can narrow the choice, never widen it. */
export type CallPolicy = Omit<PlacementPolicy, 'strategy'>

/** Most constraints of one function. */
export const CONSTRAINTS_MAX = 16

/** A function as the cluster has agreed on it: the newest revision of its spec and what is known of its image. */
export interface FunctionRecord extends FunctionSpec {
  /** Content address of the image at upload: every worker runs these bytes, whatever the tag says later. */
  readonly digest: Digest
  /** Size of the image on disk. */
  readonly imageBytes: number
  /**
   * CPU architecture that the image is for, in Docker's spelling. It runs on machines of exactly this architecture: those that could emulate it
   * (binfmt_misc) are not used, since emulated work is many times slower for no reason that a user could see. Absent: it runs anywhere. That is so
   * for commands of the `process` runtime, which looks them up on each machine, and for records of earlier versions.
   */
  readonly arch?: string | undefined
  /** 1 for the first upload of a name, one more for each change. Names are never reused with a smaller revision. */
  readonly revision: number
  /** When the revision was proposed, RFC 3339, by the proposer's clock. For display. */
  readonly updatedAt: string
}

/** The revision that a container or a warm pool belongs to, e.g. `thumb@3`. */
export function functionKey({ name, revision }: Pick<FunctionRecord, 'name' | 'revision'>): string {
  return `${name}@${revision}`
}
