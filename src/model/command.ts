import type { FunctionRecord, FunctionSpec } from './function.ts'
import type { Digest } from './ids.ts'
import type { AgreedStrategy } from './placement.ts'
import type { TaskChange, TaskOutcome } from './task.ts'

/** What a log entry asks of the registry. Commands carry every value they need, times included: applying one reads no clock. */
export type Command = {
  /** The same for each retry of one request: a command whose id was applied before changes nothing and has the first one's outcome. Absent: do not retry. */
  readonly id?: string | undefined
} & (
  | {
      readonly type: 'function-put'
      readonly spec: FunctionSpec
      readonly digest: Digest
      readonly imageBytes: number
      /** See `FunctionRecord`. */
      readonly arch?: string | undefined
      /** Refuse unless the function has this revision; 0: unless it does not exist. Absent: whatever it has. */
      readonly ifRevision?: number | undefined
      /** RFC 3339. */
      readonly at: string
    }
  | { readonly type: 'function-remove'; readonly name: string; readonly ifRevision?: number | undefined; readonly at: string }
  | { readonly type: 'peer-drain'; readonly peer: string; readonly draining: boolean; readonly at: string }
  /** Sets the strategy for functions that name none. Null: each peer places by the one that it was started with. */
  | { readonly type: 'strategy-set'; readonly strategy: AgreedStrategy | null; readonly at: string }
  /** Changes of tasks, applied in this order; each is accepted or refused by itself. */
  | { readonly type: 'tasks'; readonly changes: readonly TaskChange[] }
)

/** What applying a command did; the same on every peer. Refusals change nothing. */
export type Outcome =
  | { readonly type: 'function-created' | 'function-updated' | 'function-unchanged'; readonly function: FunctionRecord }
  | { readonly type: 'function-removed'; readonly name: string; readonly revision: number }
  | { readonly type: 'drain-set'; readonly peer: string; readonly draining: boolean }
  | { readonly type: 'strategy-agreed'; readonly strategy: AgreedStrategy | null }
  /** One outcome for each change. */
  | { readonly type: 'tasks-changed'; readonly outcomes: readonly TaskOutcome[] }
  | { readonly type: 'refused'; readonly code: 'revision_mismatch' | 'not_found' | 'limit_reached' | 'conflict'; readonly message: string }

/** The outcome of a command with an id, kept for its retries. `seq` rises with each that is kept, so that the oldest can be forgotten first. */
export interface Remembered {
  readonly seq: number
  readonly outcome: Outcome
}

/** Commands as bytes of the log; `wire/` has the real one. `decode` throws `incompatible` for a command of a newer version. */
export interface CommandCodec {
  encode(command: Command): Uint8Array
  decode(bytes: Uint8Array): Command
}
