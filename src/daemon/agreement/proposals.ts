import type * as raft from '../../core/consensus/raft.ts'
import type { RaftState } from '../../core/consensus/state.ts'
import type { Outcome } from '../../model/command.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'

/** Where an acknowledged command stands in the log. */
export interface Committed {
  readonly outcome: Outcome
  readonly index: number
  readonly term: Term
}

interface Proposal {
  readonly command: Uint8Array
  /** The command version that a peer must read to read it. */
  readonly version: number
  /** The only term that it may be appended in; undefined: any. */
  readonly within: Term | undefined
  readonly settle: PromiseWithResolvers<Committed>
}

/** Commands that somebody waits for: first until they are appended, all those of one moment together, then until they are applied. */
export class Proposals {
  #pending: Proposal[] = []
  readonly #appended = new Map<number, Proposal & { readonly term: Term }>()

  /** The newest version of those that are appended and not applied yet; 1 when there are none. */
  get commandVersion(): number {
    return this.#appended.values().reduce((newest, { version }) => Math.max(newest, version), 1)
  }

  /** Resolves when the command is applied; rejects when it is refused, when the role is lost, and with the signal's reason. */
  async add(
    command: Uint8Array,
    { version, term: within, signal }: { version: number; term?: Term | undefined; signal: AbortSignal }
  ): Promise<Committed> {
    const settle = Promise.withResolvers<Committed>()
    this.#pending.push({ command, version, within, settle })
    const onAbort = (): void => settle.reject(toCaresError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await settle.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Takes everything that has been proposed by now: it shares one fsync and one message per follower. `refusalOf` tells why a version may not come into
   * the log now; it is asked here, as members and their versions may have changed since the proposal was made.
   */
  append(
    state: RaftState,
    nowMs: number,
    propose: typeof raft.propose,
    refusalOf: (version: number) => CaresError | null
  ): raft.Proposal | { state: RaftState; effects: [] } {
    const pending: Proposal[] = []
    for (const proposal of this.#pending) {
      const refused = proposal.within === undefined || proposal.within === state.term ? refusalOf(proposal.version) : lostRole()
      if (refused === null) pending.push(proposal)
      else proposal.settle.reject(refused)
    }
    this.#pending = []
    if (pending.length === 0) return { state, effects: [] }
    const result = propose(
      state,
      pending.map(({ command }) => command),
      nowMs
    )
    if (result.outcome === 'refused') for (const { settle } of pending) settle.reject(refusal(result.reason, state.leader))
    else
      for (const [offset, proposal] of pending.entries()) this.#appended.set(result.firstIndex + offset, { ...proposal, term: result.term })
    return result
  }

  /** An entry was applied. One of another term than the proposal's is somebody else's: the proposal was overwritten. */
  applied(committed: Committed): void {
    const proposal = this.#appended.get(committed.index)
    if (proposal === undefined) return
    this.#appended.delete(committed.index)
    if (proposal.term === committed.term) proposal.settle.resolve(committed)
    else proposal.settle.reject(lostRole())
  }

  rejectAll(reason: CaresError): void {
    for (const { settle } of [...this.#appended.values(), ...this.#pending]) settle.reject(reason)
    this.#appended.clear()
    this.#pending = []
  }
}

/** The orchestrator lost its role while commands were on their way. */
export function lostRole(): CaresError {
  return new CaresError(
    'no_orchestrator',
    'the orchestrator lost its role before the command was agreed; whether it counts is not known yet',
    {
      retryable: true,
      hint: 'ask again: a command that already counts changes nothing'
    }
  )
}

/**
 * What a peer that takes no part any more tells whoever asks it: why, and that other peers can do it. Its `details.disk` is that of the reason, as
 * peers of older versions go by it.
 */
export function fencedRefusal(reason: CaresError): CaresError {
  const { disk } = reason.details
  return new CaresError('fenced', `this peer takes no part in what is agreed any more: ${reason.message}`, {
    retryable: true,
    hint: `ask another peer; to mend this one: ${reason.hint ?? 'see cares doctor'}`,
    details: disk === undefined ? {} : { disk },
    cause: reason
  })
}

/** What whoever asked is told. */
export function refusal(reason: raft.Refusal | 'full' | 'too-large', leader: PeerId | null): CaresError {
  switch (reason) {
    case 'not-leader':
      return new CaresError('not_orchestrator', 'this peer is not the orchestrator', {
        retryable: true,
        details: { orchestrator: leader }
      })
    case 'warming':
    case 'transferring':
      return new CaresError('no_orchestrator', 'the role of orchestrator is changing hands', {
        retryable: true,
        details: { retryAfterMs: 500 }
      })
    case 'no-quorum':
      return new CaresError('no_quorum', 'a majority of the voters is not reachable, so nothing can be agreed', {
        retryable: true,
        hint: 'see which voters are gone: cares status',
        details: { retryAfterMs: 1_000 }
      })
    case 'full':
      return new CaresError('overloaded', 'too many changes wait to be agreed', { retryable: true, details: { retryAfterMs: 1_000 } })
    case 'too-large':
      return new CaresError('too_large', 'the command is too large for the log')
  }
}
