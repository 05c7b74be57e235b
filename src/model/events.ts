import type { Alert } from './alerts.ts'
import type { FunctionRecord } from './function.ts'
import type { InvocationId, PeerId, Term } from './ids.ts'
import type { Objective, PlacementKind, StrategyName } from './placement.ts'
import type { ServiceHealth, TaskId, TaskState } from './task.ts'

/** What happens in a cluster, as one peer sees it: the name is `noun:verb-past`, the payload plain data. Emitted by `daemon/` only. */
export interface CaresEvents {
  'peer:joined': { readonly peer: PeerId; readonly name: string }
  'peer:returned': { readonly peer: PeerId; readonly name: string }
  'peer:suspected': { readonly peer: PeerId; readonly name: string; readonly silentMs: number }
  'peer:gone': { readonly peer: PeerId; readonly name: string; readonly reason: 'left' | 'silent' }
  'peer:drain-changed': { readonly peer: PeerId; readonly name: string; readonly draining: boolean }
  'orchestrator:changed': { readonly orchestrator: PeerId | null; readonly name: string | null; readonly term: Term }
  'voters:changed': { readonly voters: readonly PeerId[] }
  /** Both are null once the agreed strategy was taken back. */
  'strategy:changed': { readonly name: StrategyName | null; readonly objective: Objective | null }
  'function:uploaded': { readonly name: string; readonly revision: number; readonly image: FunctionRecord['image'] }
  'function:removed': { readonly name: string }
  'task:submitted': { readonly task: TaskId; readonly name: string }
  'task:started': { readonly task: TaskId; readonly name: string; readonly attempt: number; readonly worker: PeerId }
  /** The program of a service has become healthy, or unhealthy. */
  'task:health-changed': {
    readonly task: TaskId
    readonly name: string
    readonly attempt: number
    readonly worker: PeerId
    readonly health: ServiceHealth
  }
  /** This peer takes no connections at the published port of a service, for the reason. */
  'task:port-refused': { readonly port: number; readonly task: TaskId; readonly name: string; readonly reason: string }
  /** An attempt has failed, or was handed back, and another will follow. */
  'task:requeued': { readonly task: TaskId; readonly name: string; readonly attempt: number; readonly code: string | null }
  'task:finished': {
    readonly task: TaskId
    readonly name: string
    readonly state: TaskState
    readonly attempt: number
    readonly worker: PeerId | null
    readonly code: string | null
  }
  'invocation:placed': {
    readonly invocation: InvocationId
    readonly function: string
    readonly worker: PeerId
    readonly placement: PlacementKind
    readonly costMs: number
    readonly round: number
    readonly try: number
  }
  'invocation:finished': {
    readonly invocation: InvocationId
    readonly function: string
    readonly worker: PeerId | null
    readonly status: number
    readonly totalMs: number
    readonly code: string | null
  }
  /** An image is on its way to this peer: emitted once a second. `imageBytes` is about the total: the size on disk, not of the archive. */
  'image:progressed': { readonly function: string; readonly from: PeerId; readonly bytes: number; readonly imageBytes: number }
  'image:arrived': { readonly function: string; readonly bytes: number; readonly tookMs: number }
  'image:failed': { readonly function: string; readonly code: string; readonly reason: string }
  'runtime:state-changed': { readonly ready: boolean; readonly reason: string }
  'alert:raised': Alert
  'alert:cleared': Alert
}

/** One of the names in {@link CaresEvents}. */
export type EventName = keyof CaresEvents

/** An event as the faces get it. `id` rises by one with each event of a peer's session. */
export type EventRecord = {
  [Name in EventName]: { readonly id: number; readonly at: string; readonly type: Name; readonly data: CaresEvents[Name] }
}[EventName]
