import type { ErrorCode } from '../../model/errors.ts'
import type { InvocationId, PeerId, Session } from '../../model/ids.ts'
import type { PlacementKind } from '../../model/placement.ts'

/** How an operation ended for its client: well, with an error, with the death of the peer that it had asked, or not at all. */
export type Ending =
  | { readonly type: 'ok'; readonly atMs: number }
  | { readonly type: 'error'; readonly atMs: number; readonly code: ErrorCode; readonly retryable: boolean; readonly message: string }
  | { readonly type: 'gateway died'; readonly atMs: number }

interface Operation {
  readonly gateway: PeerId
  readonly startMs: number
  end?: Ending
}

/** One call, from its client's side. Clients never use the same key for two things. */
export interface Call extends Operation {
  readonly key: string
  readonly function: string
  readonly idempotent: boolean
  /** Of the function. */
  readonly timeoutMs: number
  /** The client went away. */
  cancelledMs?: number
  output?: string
  placement?: PlacementKind
  /** How long its gateway was frozen meanwhile: nobody can be answered by a frozen peer. */
  frozenMs: number
}

/** One upload. Each has an image of its own, so that every revision tells whose it is. */
export interface Upload extends Operation {
  readonly name: string
  readonly image: string
  readonly ifRevision: number | undefined
  revision?: number
}

/** One start of a function. */
export interface Start {
  readonly key: string
  readonly invocation: InvocationId
  readonly worker: PeerId
  readonly session: Session
  readonly atMs: number
  /** What this run answers; undefined: it fails. */
  readonly output: string | undefined
}

/** What a peer's tables say at the end. */
export interface FinalTables {
  readonly peer: PeerId
  /** By name: revision and image. */
  readonly functions: ReadonlyMap<string, { readonly revision: number; readonly image: string }>
}

/** Everything that clients did and were told, and what really happened. */
export class History {
  readonly calls: Call[] = []
  readonly uploads: Upload[] = []
  readonly starts: Start[] = []
}
