import type { Contract, FunctionRecord, PullPolicy } from '../function.ts'
import type { Digest, InvocationId } from '../ids.ts'
import type { CacheNeed, LlcState } from '../llc.ts'
import type { AnswerEnd, AnswerHead, CallHead, Run, WholeAnswer } from '../invocation.ts'
import type { LogLine } from '../logs.ts'
import type { Capacity, Pressure, WarmPool } from '../peer.ts'
import type { ServiceHealth } from '../task.ts'
import type { Startable } from './startable.ts'

/** How an image wants to be called, and which evidence said so: see `runtime/contract.ts`. */
export interface ContractChoice {
  readonly contract: Contract
  /** 0 with `stdio`. */
  readonly port: number
  readonly readyPath?: string | undefined
  /** Calls at once, where the image limits it. */
  readonly concurrency?: number | undefined
  /** Which evidence decided, for the user: `port 8080 from EXPOSE`. */
  readonly because: string
}

/** What an image is and how it wants to be called. */
export interface ImageInfo extends ContractChoice {
  readonly image: string
  readonly digest: Digest
  readonly bytes: number
  /** CPU architecture that it is for, in Docker's spelling. Absent: each machine has its own program by that name. */
  readonly arch?: string | undefined
}

/** One call, as the runtime gets it. */
export interface ExecutionCall {
  readonly invocation: InvocationId
  readonly head: CallHead
  readonly body: AsyncIterable<Uint8Array>
  /** The whole body, where it is known already: `body` gives the same, piece by piece. */
  readonly inline?: Uint8Array | undefined
  /** An attempt of a task, and no call: it is never given a prewarmed program, and lives no longer than the lease, see `Runtime.setLease`. */
  readonly task?: TaskExecution | undefined
  /** Called with what the execution used when it fails or is cut short after it has begun: before the error is thrown. If called twice, the first counts. */
  readonly onFailed?: ((run: Run) => void) | undefined
}

/** What running a task needs beyond what running a call needs. */
export interface TaskExecution {
  /** Instead of the image's own command. Empty: the image's own. */
  readonly args: readonly string[]
  /** From SIGTERM to SIGKILL when it is cut short, in milliseconds. */
  readonly stopGraceMs: number
}

/** How the program of a service is run. */
export interface ServiceRun {
  readonly invocation: InvocationId
  readonly task: TaskExecution
  /**
   * Told when it becomes healthy, and whenever that changes. `address`: told once, where it has a port: where this process reaches it, for as long as
   * it runs.
   */
  readonly onHealth: (health: ServiceHealth, address?: ServiceAddress) => void
}

/** Where a program listens, as this process reaches it. */
export interface ServiceAddress {
  readonly host: string
  readonly port: number
}

/** The answer of an execution whose head is known. The body must be read to its end, or `return`ed: that cancels the execution. */
export interface ExecutionAnswer {
  readonly head: AnswerHead
  readonly body: AsyncIterable<Uint8Array>
  /**
   * Settles after the body has ended. Rejects with what made an answer end early after its head was out: `function_failed`,
   * `out_of_memory`, `timeout`, `cancelled`. Nobody may leave it unobserved.
   */
  readonly end: Promise<AnswerEnd>
  /** Body and end, if all of the answer was there with its head: `body` and `end` give the same, and need not be read then. */
  readonly whole?: WholeAnswer | undefined
  /**
   * Resolves when the function has stopped reading its input, which may be after its answer has ended, until the call's deadline at the latest. The
   * execution keeps its reservation until then. Absent: nothing is read any more once the answer has ended.
   */
  readonly rest?: Promise<void> | undefined
}

/** What the containers of this peer hold now. */
export interface RuntimeUse {
  readonly running: number
  readonly cpusReserved: number
  readonly memoryReservedBytes: number
  /** Of these, what idle containers hold that would be given up for new work; see `PeerStats`. Absent: nothing. */
  readonly cpusEvictable?: number | undefined
  readonly memoryEvictableBytes?: number | undefined
  readonly warm: readonly WarmPool[]
  /** See `PeerStats`. */
  readonly llc?: LlcState | undefined
}

/** Runs executions. Two drivers: `docker` and `process`; one compliance suite for both (`test/compliance/runtime.ts`). */
export interface Runtime extends Startable {
  readonly kind: 'docker' | 'process'
  /** What the peer may use in all. */
  readonly capacity: Capacity
  /** CPU architecture in Docker's spelling. */
  readonly arch: string
  /** Why the machine's GPUs are given to no container, as far as is known by now. Absent: they are, or there are none. */
  readonly gpuRefusal?: string | undefined
  /** Whether the engine answers now, and if not, why and what to do. */
  check(options: { signal: AbortSignal }): Promise<{ ready: boolean; reason: string; hint?: string | undefined }>
  /**
   * Finds an image here or, unless `pull` is never, in its registry. `wish`: what the user has decided of the contract, stronger than the image's
   * own evidence. Throws `image_not_found`, `image_unsupported`, `runtime_unavailable`, `invalid`.
   */
  resolve(
    image: string,
    options: {
      pull: PullPolicy
      wish?: { readonly contract?: 'auto' | Contract | undefined; readonly port?: number | undefined }
      signal: AbortSignal
    }
  ): Promise<ImageInfo>
  /** Which of these images are here. */
  present(digests: readonly Digest[], options: { signal: AbortSignal }): Promise<readonly Digest[]>
  /**
   * Runs one call and resolves when the head of the answer is known.
   *
   * Resources are reserved when it is called and released when the answer has ended. Throws before anything of the function ran:
   * `busy` (no room: `details` say of what), `image_not_found`, `runtime_unavailable`; after: `function_failed` (`details.exitCode`,
   * `details.stderr`), `out_of_memory`, `function_protocol`, `timeout`, `cancelled`. An abort of the signal stops the function (SIGTERM,
   * then SIGKILL after a grace) and removes its container within a second.
   */
  execute(fn: FunctionRecord, call: ExecutionCall, options: { signal: AbortSignal; timeoutMs: number }): Promise<ExecutionAnswer>
  /**
   * Runs a program that has no end of its own, with the resources and limits of `execute`; one with the contract `http` is reached at a port, and is
   * healthy once `readyPath` answers or, without one, the port accepts. Never resolves. Rejects once nothing of it is left: as `execute`, `function_failed`
   * with exit code 0 included, and when `readyPath` has not answered for several looks; or with the reason of the signal.
   */
  serve(fn: FunctionRecord, run: ServiceRun, options: { signal: AbortSignal }): Promise<never>
  /**
   * Lets attempts of tasks run for this many milliseconds from now; after that they are killed, even if this process is frozen or dead. Called with
   * each renewal of the worker's lease. Absent: the runtime has nothing that could outlive its process.
   */
  setLease?(remainingMs: number): void
  /** The archive of an image, for another peer's `importImage`. Throws `image_not_found`, and `image_unsupported` where images do not travel. */
  exportImage(digest: Digest, options: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>
  /**
   * Takes in the image of a function from such an archive. Throws `image_not_found` when the archive held another image, or was cut short;
   * nothing of it stays then that anybody would run.
   */
  importImage(fn: FunctionRecord, archive: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<void>
  /** Sets where a missing image is looked for before its registry is asked: `bring` resolves true once the image is here. Call before `start`. */
  onMissingImage(bring: (fn: FunctionRecord, options: { signal: AbortSignal }) => Promise<boolean>): void
  /** The functions that exist now: pools of others are closed, prewarmed containers of these are kept up. */
  setFunctions(functions: readonly FunctionRecord[]): void
  use(): RuntimeUse
  /** Sets what tells how much last-level cache a function (by its `functionKey`) needs. Absent: the runtime does not divide the cache. */
  onCacheNeed?(need: (fn: string) => CacheNeed | undefined): void
  /** Called for each line that a container writes to its log. */
  onLog(listener: (line: Omit<LogLine, 'peer'>) => void): void
  /** Removes containers that this or an earlier life of this peer made and that nothing uses. Returns what it removed. */
  prune(options: { dryRun: boolean; signal: AbortSignal }): Promise<readonly { container: string; function: string; reason: string }[]>
}

/** Measured use of the machine, by anyone, scaled to the share of it that this process may use. */
export interface HostUse {
  readonly cpusUsed: number
  readonly memoryUsedBytes: number
  readonly diskUsedBytes: number
  /** See `PeerStats`. */
  readonly cpusStolen?: number | undefined
  readonly pressure?: Pressure | undefined
}

/** Samples the machine; `runtime/host.ts` is the real one. */
export interface Host {
  /** Cores and memory that this process may use: machine, cgroup limits (v1 and v2) and flags, whichever is least. */
  readonly capacity: Capacity
  sample(): Promise<HostUse>
}
