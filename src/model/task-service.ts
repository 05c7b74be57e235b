import type { NetworkPolicy, PlacementPolicy, PullPolicy } from './function.ts'
import type { Digest } from './ids.ts'
import type { Receipt } from './placement.ts'
import type { BlobRef, TaskRecord, TaskState } from './task.ts'

/** What `POST /v1/tasks` and `cares run` ask for: an image or a function, and whatever differs from the defaults. */
export interface TaskRequest {
  readonly image?: string | undefined
  /** A `stdio` function of the cluster, as it is now: its image, environment and limits are taken over. */
  readonly function?: string | undefined
  readonly name?: string | undefined
  readonly args?: readonly string[] | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly network?: NetworkPolicy | undefined
  readonly cpus?: number | undefined
  readonly memoryBytes?: number | undefined
  readonly timeoutMs?: number | undefined
  /** How its workers are chosen; of a function's task: beside what the function says. */
  readonly placement?: PlacementPolicy | undefined
  readonly attempts?: number | undefined
  /** Makes it a service: no end of its own, no timeout, as many attempts as it takes. Only of an image, and without an input. */
  readonly service?: ServiceRequest | undefined
}

/** What makes a task a service, and what of it is to be reached. */
export interface ServiceRequest {
  /** The port on which every peer takes connections for it. */
  readonly publish?: number | undefined
  /** Where its program listens. Absent: as its image says, else the published port. */
  readonly port?: number | undefined
  /** What must answer below 400 over HTTP. Absent: as the image's HEALTHCHECK says, if it asks for a path. */
  readonly health?: string | undefined
}

/** Which tasks: newest first, `limit` of them from where the last page ended. */
export interface TaskQuery {
  readonly states?: readonly TaskState[] | undefined
  readonly function?: string | undefined
  /** Id of the peer that runs it, or ran it last. */
  readonly worker?: string | undefined
  /** 1 to 1,000. */
  readonly limit: number
  /** Only tasks before this `seq`. */
  readonly before?: number | undefined
}

/** One page of a list. */
export interface TaskPage {
  readonly items: readonly TaskRecord[]
  /** What to ask for as `before` to go on; null at the end. */
  readonly next: number | null
}

/** Tasks by state, for `/metrics` and lists. */
export type TaskCounts = Readonly<Record<TaskState, number>>

/** What comes with a request for a task. */
export interface SubmitOptions {
  /** What its program reads from stdin. Absent, and no `inputDigest`: nothing. */
  readonly input?: AsyncIterable<Uint8Array> | undefined
  /** In place of `input`: the address of an input that was uploaded, see {@link TaskService.upload}. */
  readonly inputDigest?: Digest | undefined
  /** The client's own name for the task: used again, with the same request, it is the same task. */
  readonly key?: string | undefined
  /** The name that the client gives itself, for the ledger of costs. */
  readonly caller?: string | undefined
  readonly pull?: PullPolicy | undefined
  readonly signal: AbortSignal
}

/** Why a task is in its state. */
export interface TaskWhy {
  /** Newest last. */
  readonly reasons: readonly string[]
  /** Its newest placement. Null: the orchestrator of this term did not place it, has forgotten it among newer ones, or cannot be asked. */
  readonly receipt: Receipt | null
  /** Whether the numbers of the receipt come to its decision. Null: there is none, or they are not all there. */
  readonly recomputes: boolean | null
}

/** Durable tasks, as the API and the faces see them. Every method throws CaresError only. */
export interface TaskService {
  /**
   * Accepts a task. Resolves once it cannot be lost any more: committed by the cluster. `created` is false when the key was used before, for the
   * same request. Throws `no_quorum`, `conflict` (the key, for another request), `limit_reached`, `image_not_found`, `invalid`, `too_large`.
   */
  submit(request: TaskRequest, options: SubmitOptions): Promise<{ task: TaskRecord; created: boolean }>
  /**
   * Keeps a large input for a submission within the next ten minutes, through whatever peer. Resolves once a majority of the voters has it.
   * Throws `too_large`, `limit_reached` when peers have no room for it, `no_quorum`.
   */
  upload(bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<BlobRef>
  list(query: TaskQuery): Promise<TaskPage>
  counts(): Promise<TaskCounts>
  /**
   * By id, a unique beginning of it, or the name: that of several means the only one that is not over, or the newest where all are. Throws `not_found`, and
   * `conflict` where it may be several.
   */
  find(id: string): Promise<TaskRecord>
  /** Resolves when the task is over, or is a service that is healthy, or with its state at that moment when the signal aborts. */
  waitFor(id: string, options: { signal: AbortSignal }): Promise<TaskRecord>
  /** Resolves when it is agreed that the task is over. One that was over before stays as it was. */
  cancel(id: string, options: { signal: AbortSignal }): Promise<TaskRecord>
  /** What a task that succeeded has written to stdout. Throws `conflict` while it is not over, `not_found` when it did not succeed. */
  output(id: string, options: { signal: AbortSignal }): Promise<{ bytes: number; body: AsyncIterable<Uint8Array> }>
  /** Why the task is in its state, as far as this peer and the orchestrator know. */
  explain(id: string, options: { signal: AbortSignal }): Promise<TaskWhy>
}
