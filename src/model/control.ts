import type { AdmissionQuestion, AdmissionRecord } from './admission.ts'
import type { Command, Outcome } from './command.ts'
import type { CostLedger } from './costs.ts'
import type { FunctionRecord } from './function.ts'
import type { FunctionHistory } from './history.ts'
import type { ClusterUid, InvocationId, PeerId, Term } from './ids.ts'
import type { InvocationRecord, RemoteError, Run } from './invocation.ts'
import type { InvocationQuery, InvocationSummary } from './invocation-list.ts'
import type { LogLine, LogQuery } from './logs.ts'
import type { KnownObservations, SharedObservation } from './observation.ts'
import type { PeerLife, PeerProfile } from './peer.ts'

/** Where a peer can be dialled. */
export interface PeerAddress {
  readonly id: PeerId
  /** Multiaddrs without the `/p2p/…` part. */
  readonly addresses: readonly string[]
  /** What it was called when it was last heard; absent where that is not known, and between peers. */
  readonly name?: string | undefined
  /** The latest life of it that is known here; absent where none is, and between peers. */
  readonly life?: PeerLife | undefined
}

/** One question between peers on `/cares/control`; each is answered by one {@link ControlAnswer}, `logs`, `history` and `invocations` by many. */
export type ControlRequest =
  /** Make me a member. Sent to any peer, which passes it on to the orchestrator. */
  | { readonly type: 'join'; readonly profile: PeerProfile; readonly cluster?: ClusterUid | undefined }
  /**
   * Remove a peer from the cluster for good: me, or, because an operator says so, another one. `force`: even one that is not gone. Sent to the orchestrator.
   */
  | { readonly type: 'leave'; readonly peer: PeerId; readonly force?: boolean | undefined }
  /** Append this command and answer once it is applied. Sent to the orchestrator. */
  | { readonly type: 'propose'; readonly command: Command }
  | { readonly type: 'invocation'; readonly invocation: InvocationId }
  /** The function as you have it. Sent to the orchestrator by a gateway whose own tables may be a moment behind. */
  | { readonly type: 'function'; readonly name: string }
  | { readonly type: 'logs'; readonly query: LogQuery }
  /** Stop this execution, wherever it is in its life. */
  | { readonly type: 'cancel'; readonly invocation: InvocationId }
  /** What has been observed beyond what the asker knows. */
  | { readonly type: 'observations'; readonly known: KnownObservations }
  /** What the calls through the peer that is asked have cost. */
  | { readonly type: 'costs' }
  /** How the calls through the peer that is asked went, in steps that began within the last `sinceMs`. */
  | { readonly type: 'history'; readonly sinceMs: number }
  /** The newest invocations through the peer that is asked. */
  | { readonly type: 'invocations'; readonly query: InvocationQuery }
  /** Sent by a worker to a gateway that has cut an execution short, and so did not hear its end: what it had used by then. */
  | { readonly type: 'cut'; readonly invocation: InvocationId; readonly run: Run }
  /** Do you hear me? With a peer: does that one answer you? Answered at once, or not at all. */
  | { readonly type: 'reach'; readonly peer?: PeerId | undefined }
  /** How far must the log be applied here, so that the tables hold all that was agreed before I asked? Sent to the orchestrator. */
  | { readonly type: 'read-index' }
  /** About work outside CARES. Sent to the orchestrator. */
  | { readonly type: 'admission'; readonly question: AdmissionQuestion }

/** Answers to a {@link ControlRequest}. Where there are many, `end` is the last. */
export type ControlAnswer =
  | {
      readonly type: 'joined'
      readonly cluster: ClusterUid
      readonly orchestrator: PeerId | null
      readonly members: readonly PeerAddress[]
    }
  /** `wasMember`: false where there was nothing to remove; absent: there was (an earlier version). */
  | { readonly type: 'left'; readonly wasMember?: boolean | undefined }
  /** Answer to `propose`: applied at `index` with this outcome. */
  | { readonly type: 'outcome'; readonly outcome: Outcome; readonly index: number; readonly term: Term }
  | { readonly type: 'invocation'; readonly record: InvocationRecord | null }
  | { readonly type: 'function'; readonly record: FunctionRecord | null }
  | { readonly type: 'log'; readonly line: LogLine }
  | { readonly type: 'cancelled'; readonly found: boolean }
  /** Answer to `cut`. */
  | { readonly type: 'noted' }
  | { readonly type: 'reached'; readonly reached: boolean }
  | { readonly type: 'read-index'; readonly index: number }
  /** Oldest first; `more`: ask again. */
  | { readonly type: 'observations'; readonly observations: readonly SharedObservation[]; readonly more: boolean }
  | { readonly type: 'costs'; readonly ledger: CostLedger }
  /** Of one admission, or of all for `list`. */
  | { readonly type: 'admissions'; readonly records: readonly AdmissionRecord[] }
  /** One function; the last item of each series is the newest completed step. */
  | { readonly type: 'function-history'; readonly stepMs: number; readonly history: FunctionHistory }
  /** One invocation of a list; the newest comes first. */
  | { readonly type: 'summary'; readonly invocation: InvocationSummary }
  /** Ends the answers to `logs`, `history` and `invocations`. */
  | { readonly type: 'end' }
  /** `not_orchestrator` carries `details.orchestrator`, where to ask instead. */
  | { readonly type: 'failed'; readonly error: RemoteError }
