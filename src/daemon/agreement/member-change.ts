import type { Step } from '../../core/consensus/effects.ts'
import * as raft from '../../core/consensus/raft.ts'
import type { RaftState } from '../../core/consensus/state.ts'
import type { Configuration } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'

/** What a change of members depends on, beside the members themselves. */
export interface MemberChangeWish {
  /** What the members were when it was wished for. */
  readonly from: Configuration
  /** Why it may not be made after all, asked when its turn comes; null when it may. @default it may */
  readonly refusal?: (() => CaresError | null) | undefined
}

/** An input to consensus, and what becomes of it. */
export interface MemberChange {
  readonly take: (state: RaftState, nowMs: number) => Step
  readonly drop: (reason: CaresError) => void
  /** Resolves when the change is appended, which is when it counts; rejects when it is refused. */
  readonly settled: Promise<void>
}

/** A change of members to `configuration`. Refused with `conflict` where consensus cannot have it now. */
export function memberChange(configuration: Configuration, { from, refusal }: MemberChangeWish): MemberChange {
  const settle = Promise.withResolvers<void>()
  const take = (state: RaftState, nowMs: number): Step => {
    const refused = refusal?.() ?? null
    if (refused !== null) {
      settle.reject(refused)
      return { state, effects: [] }
    }
    const result = raft.reconfigure(state, configuration, nowMs, from)
    if (result.outcome === 'appended') settle.resolve()
    else settle.reject(new CaresError('conflict', `the members cannot be changed now: ${result.reason}`, { retryable: true }))
    return result
  }
  return { take, drop: settle.reject, settled: settle.promise }
}
