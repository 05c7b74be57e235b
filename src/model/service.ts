import type { AlertReport } from './alerts.ts'
import type { AdmissionOutcome, AdmissionRecord, AdmissionRequest } from './admission.ts'
import type { CostLedger } from './costs.ts'
import type { ErrorCode } from './errors.ts'
import type { EventRecord } from './events.ts'
import type { CallPolicy, FunctionRecord, FunctionSpec, PullPolicy } from './function.ts'
import type { ClusterHistory } from './history.ts'
import type { ClusterUid, InvocationId, PeerId, Term } from './ids.ts'
import type { AnswerHead, CallHead, InvocationRecord, StartKind, Usage, WholeAnswer } from './invocation.ts'
import type { InvocationListing, InvocationQuery } from './invocation-list.ts'
import type { LogLine, LogQuery } from './logs.ts'
import type { PeerProfile, PeerView } from './peer.ts'
import type { TaskRecord } from './task.ts'
import type { TaskService } from './task-service.ts'
import type { AgreedStrategy, Decision, Estimate, Objective, PlacementKind, StrategyName } from './placement.ts'

/** How the cluster stands, as this peer knows it. */
export interface ClusterStatus {
  /** What another peer needs to join, secret included; null when no address is known yet. */
  readonly id: string | null
  /** Null before this peer is in a cluster. */
  readonly uid: ClusterUid | null
  readonly private: boolean
  readonly self: PeerId
  readonly orchestrator: { readonly id: PeerId; readonly name: string } | null
  readonly term: Term
  readonly voters: readonly PeerId[]
  readonly learners: readonly PeerId[]
  /** What members were called that this peer has not heard since it started. Absent: there are none. */
  readonly names?: Readonly<Record<PeerId, string>> | undefined
  /** Voters that must acknowledge. */
  readonly quorum: number
  /** Voters that may die now, beside those that are gone or take no part, with nothing acknowledged being lost and uploads going on. */
  readonly faultTolerance: number
  /** Log positions of this peer. */
  readonly lastIndex: number
  readonly commitIndex: number
  readonly appliedIndex: number
  /** Of the newest command in the log: what a peer must read to be a member. */
  readonly commandVersion: number
  /** Entries that each other member lacked when it was last heard. */
  readonly lag?: Readonly<Record<PeerId, number>> | undefined
  /** Why there is no orchestrator; empty when there is one. */
  readonly reason: string
  readonly strategy: StrategyStatus
  /** Why this peer takes no part in what is agreed any more: its disk failed, or is not what it was. Null: it does take part. */
  readonly fenced: string | null
}

/** A peer as the faces list it. */
export interface PeerListing extends PeerView {
  readonly role: 'orchestrator' | 'worker'
  readonly voter: boolean
}

/** What became of a peer that was to be removed. */
export interface RemovedPeer {
  readonly id: PeerId
  readonly name: string
  readonly removed: boolean
}

/** What `POST /v1/functions` and `cares upload` ask for: all but name and image has a default, or is detected from the image. */
export interface FunctionRequest extends Partial<Omit<FunctionSpec, 'name' | 'image' | 'contract'>> {
  readonly name: string
  readonly image: string
  readonly contract?: 'auto' | FunctionSpec['contract'] | undefined
}

/** What an upload came to, or with `dryRun` would come to. */
export interface PutResult {
  readonly result: 'created' | 'updated' | 'unchanged'
  readonly function: FunctionRecord
  /** Which evidence decided the contract. */
  readonly because: string
}

/** One call of a function through this gateway. */
export interface InvocationRequest {
  readonly function: string
  readonly head: CallHead
  readonly body: AsyncIterable<Uint8Array>
  /** Client's name for this call: the same key gets the same answer, within ten minutes. */
  readonly idempotencyKey?: string | undefined
  /** Name or id of the only peer that may run it. */
  readonly on?: string | undefined
  /** The name that the client gives itself, for the ledger of costs. */
  readonly caller?: string | undefined
  /** Shorter than the function's own timeout, if at all. */
  readonly timeoutMs?: number | undefined
  /** What it asks of its placement, beside what its function does. */
  readonly asked?: CallPolicy | undefined
}

/** The answer once its head is known. */
export interface InvocationAnswer {
  readonly invocation: InvocationId
  readonly worker: PeerId
  readonly placement: PlacementKind
  readonly head: AnswerHead
  readonly body: AsyncIterable<Uint8Array>
  /** Settles after the body; rejects if the answer was cut short. Observed by the gateway itself, so it may be ignored. */
  readonly end: Promise<{ usage: Usage }>
  /** Body and end, if the whole answer arrived with its head: `body` and `end` give the same, and need not be read then. */
  readonly whole?: WholeAnswer | undefined
  /** Resolves when nothing more of the request's body is read; never before the answer has ended. Absent: nothing is read after its end. */
  readonly rest?: Promise<void> | undefined
}

/** A hypothetical call, to be quoted. */
export interface QuoteQuestion {
  readonly inputBytes: number
  /** Declared parameters, see `Observation`. */
  readonly params?: string | undefined
  /** What it would ask of its placement. */
  readonly asked?: CallPolicy | undefined
}

/** What the call would cost, and where it would run, as this peer sees it. */
export interface Quoted extends QuoteQuestion {
  readonly function: FunctionRecord
  readonly strategy: StrategyName
  readonly objective: Objective
  readonly estimate: Estimate
  readonly decision: Decision
  /** Why no peer could run it, in words; without meaning when one could. */
  readonly refusal: string
  /** With fewer runs than this its limit of costs is not applied. Absent: it has none, neither by its function nor as it was asked. */
  readonly limitSamples?: number | undefined
  /** False: who of those that can have it is next is known to the orchestrator only. */
  readonly isForeseeable: boolean
}

/** Which strategy places calls of functions that name none. */
export interface StrategyStatus {
  readonly name: StrategyName
  /** Null for a strategy that has no objectives. */
  readonly objective: Objective | null
  /** Whether the cluster has agreed on it. If not, each peer places by the one that it was started with, and this is that of the peer that was asked. */
  readonly agreed: boolean
}

/** What one invocation has cost, and how well it was placed. */
export interface Account {
  /** By the prices that its peer states; null: it has not ended, or the peer states none. */
  readonly cost: { readonly quotedUsd: number; readonly usd: number } | null
  /** By how much the best other peer was expected to be quicker than the chosen one really was; null: the invocation has not succeeded. */
  readonly regretMs: number | null
  /** Whether its last decision comes out the same when it is made again from its receipt; null: the receipt does not hold all numbers. */
  readonly recomputes: boolean | null
}

/** Numbers for `/metrics` that are not in the view. */
export interface ServiceCounters {
  /** Finished invocations of this gateway by function and outcome (`ok` or an error code). */
  readonly invocations: readonly { readonly function: string; readonly outcome: 'ok' | ErrorCode; readonly count: number }[]
  readonly placements: readonly { readonly kind: PlacementKind; readonly count: number }[]
  /** Answered invocations of this gateway by how their container came to be. */
  readonly starts: readonly { readonly function: string; readonly start: StartKind; readonly count: number }[]
  readonly inFlight: number
  /** Invocations that wait for room at this peer, as their placer. */
  readonly waiting: number
}

/** Something that must hold for this peer to work well. */
export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  readonly message: string
  readonly hint?: string | undefined
}

/**
 * One peer, as its API and its faces see it. Every method throws CaresError only. Peers are named by id, by a unique prefix of it, or by name.
 */
export interface PeerService {
  readonly profile: PeerProfile
  cluster(): ClusterStatus
  /** Durable work. */
  readonly tasks: TaskService
  peers(): readonly PeerListing[]
  /** Throws `not_found`, or `conflict` when the name fits several. */
  peer(idOrName: string): PeerListing
  /**
   * Resolves when what this peer knows of functions, tasks and the strategy holds all that was agreed before, through whichever peer. `staleMs`: 0, or, where
   * nobody could confirm that soon, for how long no orchestrator was heard.
   */
  catchUp(options: { signal: AbortSignal }): Promise<{ readonly staleMs: number }>
  functions(): readonly FunctionRecord[]
  function(name: string): FunctionRecord
  /** Finds the image, detects its contract, has the cluster agree. Resolves when it is committed and applied here. */
  putFunction(
    request: FunctionRequest,
    options: {
      ifRevision?: number | undefined
      pull?: PullPolicy | undefined
      dryRun?: boolean | undefined
      signal: AbortSignal
    }
  ): Promise<PutResult>
  removeFunction(name: string, options: { ifRevision?: number | undefined; signal: AbortSignal }): Promise<{ revision: number }>
  /** Resolves when the head of the answer is known. An abort of the signal cancels the execution. */
  invoke(request: InvocationRequest, options: { signal: AbortSignal }): Promise<InvocationAnswer>
  /** Accepts a call and answers at once; the result is kept for a while, see {@link result}. The body is read before it resolves. */
  invokeAsync(request: InvocationRequest, options: { signal: AbortSignal }): Promise<{ invocation: InvocationId }>
  /** The record of an invocation, asked of all peers if it is not here. */
  invocation(id: string, options: { signal: AbortSignal }): Promise<InvocationRecord>
  /**
   * The newest invocations through all gateways that answer within a second, or through the one that is named. Throws `not_found` when there is no such
   * peer.
   */
  invocations(query: InvocationQuery & { gateway?: string | undefined }, options: { signal: AbortSignal }): Promise<InvocationListing>
  /** The kept answer of an asynchronous invocation of this gateway, once finished; null: no answer is kept here. */
  result(id: string): { head: AnswerHead; body: Uint8Array } | null
  /** Resolves when the invocation has finished or the signal aborts. */
  waitFor(id: string, options: { signal: AbortSignal }): Promise<InvocationRecord>
  cancel(id: string, options: { signal: AbortSignal }): Promise<{ found: boolean }>
  /** What a call would cost, and where it would run. Nothing is run or reserved for it. Throws `not_found`. */
  quote(name: string, question: QuoteQuestion): Quoted
  /** What an invocation has cost, and whether its receipt bears out its placement. */
  account(record: InvocationRecord): Account
  /** What calls and tasks have cost: one ledger for each peer that could be asked, and how many could not. */
  costs(options: { signal: AbortSignal }): Promise<{ readonly ledgers: readonly CostLedger[]; readonly missing: number }>
  /** What calls through this peer have cost. */
  ownCosts(): CostLedger
  /** What the newest attempt of a task was expected to take when it began, in milliseconds; undefined: it has not, or this peer was not there. */
  expectedTaskMs(task: TaskRecord): number | undefined
  /** Asks for room for work outside CARES. Throws `no_capacity` (`details.retryAfterMs`), `overloaded`, `no_orchestrator`. */
  admit(request: AdmissionRequest, options: { signal: AbortSignal }): Promise<AdmissionRecord>
  /** Newest first, at most 128. */
  admissions(options: { signal: AbortSignal }): Promise<readonly AdmissionRecord[]>
  /** Throws `not_found`. */
  admission(id: string, options: { signal: AbortSignal }): Promise<AdmissionRecord>
  /** Says that admitted work has ended, or is not wanted any more, and what it took. */
  completeAdmission(id: string, outcome: AdmissionOutcome, options: { signal: AbortSignal }): Promise<AdmissionRecord>
  /** Lines of all peers, oldest first; with `follow` it goes on until the signal aborts. */
  logs(query: LogQuery, options: { signal: AbortSignal }): AsyncIterable<LogLine>
  /** Events of this peer with a number above `id`, as far as they are kept (the last 1,000; after 0 also older ones that are not of calls), oldest first. */
  eventsAfter(id: number): readonly EventRecord[]
  /** Number of the newest event of this session; 0: there was none. */
  lastEventId(): number
  /** Calls `listener` after each event and after each change of what is known of the peers. It must not throw, nor take long. */
  onChange(listener: () => void): Disposable
  /**
   * The steps that are over and began within the last `sinceMs`, at most a day: peers as this one has heard of them, and with `functions` the calls
   * through all that answer within a second.
   */
  history(query: { sinceMs: number; functions: boolean }, options: { signal: AbortSignal }): Promise<ClusterHistory>
  /** What is wrong in the cluster, as this peer sees it. */
  alerts(): AlertReport
  /** Has the cluster agree on a strategy; null takes it back. Resolves when it is committed and applied here. */
  setStrategy(strategy: AgreedStrategy | null, options: { signal: AbortSignal }): Promise<void>
  setDraining(peer: string, draining: boolean, options: { signal: AbortSignal }): Promise<void>
  /** Leaves the cluster for good: drains, hands the role over, is removed. The process goes on, empty. */
  leave(options: { signal: AbortSignal }): Promise<void>
  /**
   * Removes another peer, which is gone, from the cluster for good; with `force` even one that is not. `removed`: false for one that was no member
   * any more. Throws `not_found`, `conflict` for one that should leave by itself, `no_quorum`.
   */
  removePeer(idOrName: string, options: { force: boolean; signal: AbortSignal }): Promise<RemovedPeer>
  prune(options: { dryRun: boolean; signal: AbortSignal }): Promise<readonly { container: string; function: string; reason: string }[]>
  checks(options: { signal: AbortSignal }): Promise<readonly HealthCheck[]>
  /** Whether the peer can answer function calls: it is a member and knows a worker. */
  ready(): { ready: boolean; reason: string }
  counters(): ServiceCounters
}
