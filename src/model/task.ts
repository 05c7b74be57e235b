import type { ErrorCode } from './errors.ts'
import type { NetworkPolicy, PlacementPolicy } from './function.ts'
import type { Branded, Digest, PeerId, Term } from './ids.ts'
import type { Usage } from './invocation.ts'
import type { Receipt } from './placement.ts'
import type { Shards } from './shards.ts'

/** One task: `t-` and 26 characters of lower-case base 32 (128 random bits), made by the peer that accepts it. */
export type TaskId = Branded<'TaskId'>

/**
 * One stretch of a worker's life in which it holds a lease, made anew at every start and whenever a lease has ended. A task is assigned to a
 * session, not to a peer: what an earlier session had is not run any more.
 */
export type TaskSession = Branded<'TaskSession'>

/**
 * `queued` → `running` (assigned to a worker) → `succeeded`, or back to `queued` for another attempt, or `dead` after the last one. `cancelled`
 * from either of the first two. The last three are final.
 */
export const TASK_STATES = ['queued', 'running', 'succeeded', 'dead', 'cancelled'] as const
export type TaskState = (typeof TASK_STATES)[number]

/** What goes into a task, or comes out of it. */
export interface Payload {
  readonly bytes: number
  /** The bytes themselves, in base 64, when there are at most `TASK_LIMITS.inlineBytesMax`. */
  readonly inline?: string | undefined
  /** Where larger ones are: their content address, and the peers that were given a copy. */
  readonly blob?: BlobRef | undefined
}

/** Bytes that are kept elsewhere, by the address of their content. */
export interface BlobRef {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: Digest
  readonly bytes: number
  readonly holders: readonly PeerId[]
}

/** What makes a task a service: it has no end of its own, and is started again, wherever there is room, whenever its program has ended. */
export interface ServiceSpec {
  /** The TCP port on which every peer takes connections for it. No other service that is not over has the same. Absent: none. */
  readonly publish?: number | undefined
  /** Where its program listens; it finds that in `PORT`. Absent: nobody connects to it. */
  readonly port?: number | undefined
  /** What must answer below 400, at `port` over HTTP, from time to time. Absent: a port that accepts, or a program that runs, is healthy. */
  readonly health?: string | undefined
}

/** How the program of a service that was started is, as its worker says. Before it has become healthy it says nothing. */
export const SERVICE_HEALTHS = ['healthy', 'unhealthy'] as const
export type ServiceHealth = (typeof SERVICE_HEALTHS)[number]

/** What is to be done. Nothing of it changes after the task was accepted. */
export interface TaskSpec {
  /** For people; need not be unique. */
  readonly name: string
  /** The image reference as the user wrote it; with the `process` runtime, a command line. */
  readonly image: string
  /** The bytes that every attempt runs, whatever the tag says later. */
  readonly digest: Digest
  readonly imageBytes: number
  /** CPU architecture that the image is for, see `FunctionRecord`. Absent: it fits anywhere. */
  readonly arch?: string | undefined
  /** The function that it runs, when it was submitted by a function's name. */
  readonly function?: string | undefined
  /** Instead of the image's own command. Empty: the image's own. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly network: NetworkPolicy
  readonly cpus: number
  readonly memoryBytes: number
  /** How its workers are chosen. Absent: as whoever places would have it. */
  readonly placement?: PlacementPolicy | undefined
  /** Longest one attempt may take. Means nothing for a service. */
  readonly timeoutMs: number
  /** Attempts that may fail before the task is `dead`. Means nothing for a service. */
  readonly attemptsMax: number
  /** Absent: a job, which runs to its end. */
  readonly service?: ServiceSpec | undefined
}

/** Why an attempt did not bring a result. */
export interface TaskFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly exitCode?: number | undefined
  /** The end of what it wrote to stderr. */
  readonly stderr?: string | undefined
}

/** What a successful attempt brought. */
export interface TaskResult {
  readonly exitCode: number
  readonly output: Payload
  readonly usage: Usage
}

/** One attempt, over or not. */
export interface TaskAttempt {
  /** Rises with every assignment of a task. */
  readonly attempt: number
  readonly worker: PeerId
  readonly session: TaskSession
  /** RFC 3339, by the orchestrator's clock. For display. */
  readonly at: string
  readonly endedAt?: string | undefined
  readonly failure?: TaskFailure | undefined
  /** Of a service, once it has become healthy. */
  readonly health?: ServiceHealth | undefined
  /** When it became as `health` says. RFC 3339, by the orchestrator's clock. */
  readonly healthAt?: string | undefined
}

/** A task as the cluster has agreed on it. */
export interface TaskRecord {
  readonly id: TaskId
  /** The client's name for it: the same key is the same task. */
  readonly key?: string | undefined
  /** As the client named itself, for the ledger of costs. Absent: it did not. */
  readonly caller?: string | undefined
  /** A hash of the request: a submission with the same `key` and another fingerprint is refused. */
  readonly fingerprint: string
  readonly spec: TaskSpec
  /** What its program finds on stdin. Dropped when the task is over. */
  readonly input?: Payload | undefined
  readonly state: TaskState
  /** Number of the newest assignment; 0 before the first. */
  readonly attempt: number
  /** Attempts that count against `attemptsMax`: those that had, or may have, begun. Of a service: since it last stayed up. */
  readonly failures: number
  /** The newest ones, oldest first; the last one is under way while the task is `running`. */
  readonly attempts: readonly TaskAttempt[]
  /** Of a task that succeeded: written once. */
  readonly result?: TaskResult | undefined
  /** The peer that accepted it. */
  readonly gateway: PeerId
  /** Order of submission. */
  readonly seq: number
  /** Order of ending, in the same count: what was over first is forgotten first. */
  readonly endSeq?: number | undefined
  /** RFC 3339. For display, and for forgetting what is long over. */
  readonly submittedAt: string
  readonly finishedAt?: string | undefined
}

/** All tasks, and an index of them by key. Immutable to its readers. */
export interface TaskTables {
  readonly tasks: Shards<TaskRecord>
  /** What the clients' keys stand for. */
  readonly keys: Shards<TaskId>
  /** Who has which published port: services that are not over. */
  readonly ports: ReadonlyMap<number, TaskId>
  /** The last `seq` or `endSeq` given. */
  readonly seq: number
  /** About how many bytes the tasks take, for their limit. */
  readonly bytes: number
}

/** One change of the tasks, as it stands in the log. Carries every value that it needs: applying one reads no clock. */
export type TaskChange =
  | {
      readonly type: 'submit'
      readonly id: TaskId
      readonly key?: string | undefined
      readonly caller?: string | undefined
      readonly fingerprint: string
      readonly spec: TaskSpec
      readonly input?: Payload | undefined
      readonly gateway: PeerId
      readonly at: string
    }
  /** Given to a worker. Committed before the worker is told. */
  | {
      readonly type: 'assign'
      readonly id: TaskId
      readonly attempt: number
      readonly worker: PeerId
      readonly session: TaskSession
      readonly at: string
    }
  | { readonly type: 'complete'; readonly id: TaskId; readonly attempt: number; readonly result: TaskResult; readonly at: string }
  /** The attempt is over without a result. `counts`: it counts against `attemptsMax`. `final`: there is no further attempt, even if some are left. */
  | {
      readonly type: 'fail'
      readonly id: TaskId
      readonly attempt: number
      readonly failure: TaskFailure
      readonly counts: boolean
      readonly final: boolean
      readonly at: string
    }
  /** The program of a service, in the attempt that is under way, is as its worker says. */
  | { readonly type: 'health'; readonly id: TaskId; readonly attempt: number; readonly health: ServiceHealth; readonly at: string }
  | { readonly type: 'cancel'; readonly id: TaskId; readonly at: string }
  /** Forgets tasks that were over before a moment (RFC 3339 in UTC, so that texts compare like times). */
  | { readonly type: 'expire'; readonly before: string; readonly at: string }

/** What a change did; the same on every peer. A refused one changed nothing. */
export type TaskOutcome =
  /** `id`: of the task; of a repeated key, the task that it had named before. */
  | { readonly type: 'changed' | 'unchanged'; readonly id: TaskId }
  | { readonly type: 'expired'; readonly count: number }
  | {
      readonly type: 'refused'
      readonly code: 'not_found' | 'stale' | 'conflict' | 'limit_reached'
      readonly message: string
    }

/** Whether nothing more will happen to a task. */
export function isOver({ state }: Pick<TaskRecord, 'state'>): boolean {
  return state !== 'queued' && state !== 'running'
}

/** The large payloads that a task refers to. */
export function blobsOf({ input, result }: Pick<TaskRecord, 'input' | 'result'>): readonly BlobRef[] {
  return [input?.blob, result?.output.blob].filter(blob => blob !== undefined)
}

/** The attempt that is under way, of a task that is `running`. */
export function currentAttempt(task: TaskRecord): TaskAttempt | undefined {
  return task.state === 'running' ? task.attempts.at(-1) : undefined
}

/** Whether a task is a service whose program runs and is as it should be. */
export function isServing(task: TaskRecord): boolean {
  return currentAttempt(task)?.health === 'healthy'
}

/**
 * What a task's program should hand to whatever it writes to: a later attempt of the same task has a larger one, so a store that refuses smaller
 * tokens than it has seen is safe from an attempt that was given up but could not be ended (Kleppmann 2016).
 */
export function fencingToken(attempt: number): string {
  return String(attempt)
}

/** One order to run an attempt. Obeyed only by the session that it names, and only from the newest term. */
export interface TaskOrder {
  readonly task: TaskRecord
  readonly attempt: number
  readonly session: TaskSession
}

/** What an attempt came to, as its worker says. */
export interface AttemptReport {
  readonly task: TaskId
  readonly attempt: number
  readonly end:
    | { readonly type: 'succeeded'; readonly result: TaskResult }
    | { readonly type: 'failed'; readonly failure: TaskFailure; readonly counts: boolean; readonly final: boolean }
}

/** One attempt of one task. */
export interface AttemptRef {
  readonly task: TaskId
  readonly attempt: number
}

/** An attempt that a worker has in its hands. */
export interface AttemptHeld extends AttemptRef {
  /** Of a service that has become healthy. */
  readonly health?: ServiceHealth | undefined
}

/** Questions on `/cares/task/1`: each exchange is one question and one answer. */
export type TaskAsk =
  /** A worker to the orchestrator: I am here, and this is what I have. */
  | { readonly type: 'renew'; readonly session: TaskSession; readonly having: readonly AttemptHeld[] }
  /** A worker to the orchestrator: these are over. Repeated until it is answered. */
  | { readonly type: 'report'; readonly reports: readonly AttemptReport[] }
  /** The orchestrator to a worker: run these. */
  | { readonly type: 'dispatch'; readonly term: Term; readonly orders: readonly TaskOrder[] }
  /** The orchestrator to a worker: end these, if you have them. */
  | { readonly type: 'stop'; readonly term: Term; readonly attempts: readonly AttemptRef[] }
  /** Any peer to the orchestrator: why did the newest placements of a task go as they did? */
  | { readonly type: 'explain'; readonly task: TaskId }
  /** Any peer to the orchestrator: by which numbers was it placed last? Apart from `explain`, whose answer an older peer would not read with it. */
  | { readonly type: 'receipt'; readonly task: TaskId }

/** Answers on `/cares/task/1`. */
export type TaskAnswer =
  /** The lease goes on; `stop`: what is not this session's any more. */
  | { readonly type: 'renewed'; readonly stop: readonly AttemptRef[] }
  /** This session was given up for good: end everything, and come back as another. */
  | { readonly type: 'burned' }
  /** Every report is in the log, or came too late to count. */
  | { readonly type: 'recorded' }
  /** What was not taken, with the reason; everything else is under way. */
  | { readonly type: 'dispatched'; readonly refused: readonly (AttemptRef & { readonly code: ErrorCode; readonly message: string })[] }
  | { readonly type: 'stopped' }
  | { readonly type: 'explained'; readonly reasons: readonly string[] }
  /** Null: it is not kept. An orchestrator has those of its own term, of the tasks that it looked at last. */
  | { readonly type: 'receipt'; readonly receipt: Receipt | null }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string; readonly retryable: boolean }
