import type { Amounts, Resource } from '../../../model/admission.ts'
import type { PeerId } from '../../../model/ids.ts'
import type { QueueOrder } from './queue-order.ts'

/** What admission aims at. */
export interface AdmissionPolicy {
  /** Shares of a machine that may be used. */
  readonly targets: Amounts
  /** A machine that had to deny something takes on new work again when it is this share below its targets. */
  readonly hysteresis: number
  /** Statistics that are older say nothing any more: three periods of gossip. */
  readonly staleAfterMs: number
  readonly order: QueueOrder
}

/** One machine as its newest statistics say. */
export interface Machine {
  readonly peer: PeerId
  readonly capacity: Amounts
  /** In use by anyone, admitted work and what CARES runs included. */
  readonly measured: Amounts
  /** What CARES has promised to its own containers, which count though they do not use it yet. */
  readonly promised: Amounts
  /** Of the statistics. */
  readonly ageMs: number
  /** The machine that decides knows itself at all times. */
  readonly isSelf: boolean
  /** Alive, and not draining. */
  readonly isOpen: boolean
}

/** Work that asks for room. */
export interface Ask {
  readonly id: string
  readonly predicted: Amounts
  /** Above 0. */
  readonly predictedMs: number
  readonly pinnedTo?: PeerId | undefined
  /** Longest that it would wait. */
  readonly waitMaxMs: number
  /** How long after its approval it stops counting though nobody has said that it ended. */
  readonly leaseMs: number
}

/** What work waits for, on the machine that is nearest to having it. */
export interface Lack {
  readonly peer: PeerId
  readonly resource: Resource
  /** Of the resource: more than the work asks for where the machine has been over its target. */
  readonly needed: number
  readonly free: number
}

/** What became of a question. */
export type Admission =
  | { readonly outcome: 'approved'; readonly peer: PeerId }
  /**
   * `waitMs`: until it is expected to be approved; null: what is in its way was not admitted here, so nobody knows. `lack`: what that is, where one can say.
   */
  | { readonly outcome: 'queued'; readonly ahead: number; readonly waitMs: number | null; readonly lack?: Lack }
  | {
      readonly outcome: 'refused'
      /** `never_fits`: it is too large for every machine. `safe_mode`: no machine has fresh statistics. */
      readonly reason: 'never_fits' | 'would_wait_too_long' | 'queue_full' | 'safe_mode'
      readonly waitMs: number
    }

/** What {@link AdmissionControl.advance} has done. */
export interface Advance {
  readonly approved: readonly { readonly id: string; readonly peer: PeerId }[]
  /** Waited for longer than they wanted to. */
  readonly refused: readonly string[]
  /** Nobody said that they ended. */
  readonly expired: readonly string[]
}
