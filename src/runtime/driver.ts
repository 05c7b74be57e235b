import type { Readable, Writable } from 'node:stream'
import type { CaresError } from '../model/errors.ts'
import type { FunctionRecord, PullPolicy } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { ImageInfo, TaskExecution } from '../model/ports/runtime.ts'
import type { Startable } from '../model/ports/startable.ts'
import type { ContractWish } from './contract.ts'

/** What a program has used so far. A field is absent where the machine does not tell. */
export interface Measured {
  readonly cpuMs?: number | undefined
  readonly memoryPeakBytes?: number | undefined
}

/** How a program ended. */
export interface Exit {
  /** 128 + the signal's number when a signal ended it. */
  readonly exitCode: number
  readonly outOfMemory: boolean
  /** The engine could not say how it ended. */
  readonly lost?: CaresError | undefined
}

/** One started program of a function: a container, or a process group. */
export interface Instance {
  readonly id: string
  /** Time that went into getting the image before it could be started. */
  readonly pullMs: number
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the program has ended; never rejects. */
  readonly exited: Promise<Exit>
  /** The newest measurement; after the end, the last one. */
  measure(): Measured
  /** Ids of its threads on this machine; none where they cannot be told. Absent: this driver never can. */
  threads?(): readonly number[]
  /** Ends the program if it runs (SIGTERM, after a grace SIGKILL) and removes every trace of it. Never rejects; may be called twice. */
  dispose(): Promise<void>
}

/** A program that reads one call from stdin. */
export interface StdioInstance extends Instance {
  /** Its errors mean that the program does not read any more. */
  readonly stdin: Writable
  /** A TCP port that the program listens on, which a `stdio` function has no reason to. */
  listeningPort(): number | undefined
}

/** A program that serves HTTP, or will soon. */
export interface ServerInstance extends Instance {
  /** Empty when the program ended before its container had an address. */
  readonly host: string
  readonly port: number
  /** Present where its image has a check of its own, which is neither an address nor put aside by a ready path. */
  readonly health?: ServerHealth | undefined
}

/** A check that an image brings along: a command that says whether the program in its container is well. */
export interface ServerHealth {
  /** How long the program may take to start, if the image says so; 0 otherwise. */
  readonly startPeriodMs: number
  /** Runs the check once: whether it passed. Never rejects. */
  passes(options: { signal: AbortSignal }): Promise<boolean>
  /** Tells once when the program fails its check as often in a row as the image allows. To be called when it has passed. */
  onUnhealthy(listener: () => void): void
}

/** A container that an earlier life of the peer left behind. */
export interface Orphan {
  readonly container: string
  readonly function: string
  readonly reason: string
}

/** What a start is given besides the function. */
export interface StartOptions {
  readonly signal: AbortSignal
  /** The GPUs that are its alone. */
  readonly gpuIds: readonly string[]
  /** Set where it runs a task. */
  readonly task?: TaskExecution | undefined
}

/** Brings a missing image from elsewhere, if it can: true when it has. */
export type BringImage = (fn: FunctionRecord, options: { signal: AbortSignal }) => Promise<boolean>

/** What differs between running functions in containers and as plain processes. All else in this room is shared by both. */
export interface Driver extends Startable {
  readonly kind: 'docker' | 'process'
  readonly arch: string
  /** See `Runtime`. */
  readonly gpuRefusal?: string | undefined
  check(options: { signal: AbortSignal }): Promise<{ ready: boolean; reason: string; hint?: string | undefined }>
  resolve(image: string, options: { pull: PullPolicy; wish?: ContractWish; signal: AbortSignal }): Promise<ImageInfo>
  present(digests: readonly Digest[], options: { signal: AbortSignal }): Promise<readonly Digest[]>
  /** The functions that exist, for drivers that find images by them. */
  setFunctions(functions: readonly FunctionRecord[]): void
  /** See `Runtime`. */
  exportImage(digest: Digest, options: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>
  /** See `Runtime`. */
  importImage(fn: FunctionRecord, archive: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<void>
  /** See `Runtime`. */
  onMissingImage(bring: BringImage): void
  /** Starts a program that waits on stdin. An abort of the signal leaves nothing behind. */
  startStdio(fn: FunctionRecord, env: Readonly<Record<string, string>>, options: StartOptions): Promise<StdioInstance>
  /** See `Runtime`. */
  setLease(remainingMs: number): void
  /** Starts a program that is to serve on `port`; it need not be ready yet. */
  startServer(fn: FunctionRecord, options: StartOptions): Promise<ServerInstance>
  prune(options: { dryRun: boolean; signal: AbortSignal }): Promise<readonly Orphan[]>
}
