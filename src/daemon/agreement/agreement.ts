import type { Command } from '../../model/command.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Consensus } from './consensus.ts'
import { ask } from './control-client.ts'
import { type Committed, fencedRefusal } from './proposals.ts'

/** Longest a change may take to be agreed, elections and retries included. */
const AGREE_TIMEOUT_MS = 10_000
/** Between two tries while the role of orchestrator changes hands. */
const RETRY_MS = 50
/** An election takes at most about two election timeouts; a cluster that has no orchestrator after that has no quorum. */
const ELECTION_RATIO = 2.5

/** Failures of a try after which asking again is right. */
const TRANSIENT = new Set<string>(['not_orchestrator', 'no_orchestrator', 'peer_unreachable', 'peer_lost'])

export interface AgreementComponents {
  readonly consensus: Consensus
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  /** See `Timings`: how long to hope for an orchestrator goes by it. */
  readonly electionMs: number
  /** An id that nobody has had before. */
  readonly newCommandId: () => string
  /** Why an orchestrator, by what is known of it, cannot read a command; null when it can, or nothing is known. @default it can */
  readonly unreadableBy?: ((orchestrator: PeerId, command: Command) => CaresError | null) | undefined
}

/** Has the cluster agree on commands, whoever leads it. */
export class Agreement {
  readonly #components: AgreementComponents
  /** Since when no orchestrator is known; Infinity while one is. */
  #leaderlessSinceMs: number
  #hasFollowed = false
  /** Who is being asked, by what ends that: a frozen peer lets its questions wait for longer than its role lasts. */
  readonly #asked = new Map<AbortController, PeerId>()

  constructor(components: AgreementComponents) {
    this.#components = components
    this.#leaderlessSinceMs = components.clock.nowMs()
  }

  /** For how long no orchestrator has been known; 0 while one is. */
  get leaderlessMs(): number {
    return Math.max(0, this.#components.clock.nowMs() - this.#leaderlessSinceMs)
  }

  /** Whether an orchestrator has been known since this peer was started. */
  get hasFollowed(): boolean {
    return this.#hasFollowed
  }

  /** Who is orchestrator has changed. */
  onRole({ leader }: { readonly leader: PeerId | null }): void {
    const over = new CaresError('not_orchestrator', 'who was asked is not known to be orchestrator any more', { retryable: true })
    for (const [abort, asked] of this.#asked) if (asked !== leader) abort.abort(over)
    if (leader !== null) this.#hasFollowed = true
    if (leader !== null) this.#leaderlessSinceMs = Number.POSITIVE_INFINITY
    else if (this.#leaderlessSinceMs === Number.POSITIVE_INFINITY) this.#leaderlessSinceMs = this.#components.clock.nowMs()
  }

  /**
   * Resolves when the command is committed, and applied on this peer too. Throws `no_quorum` when no orchestrator turns up within an
   * election's time since the last one was lost, `timeout`, `incompatible` for what a member cannot read yet, and what the orchestrator refuses with.
   */
  async agree(wish: Command, { signal }: { signal: AbortSignal }): Promise<Committed> {
    const { consensus, newCommandId } = this.#components
    // The same in every try: whether an earlier one counted is not known, but then this one has its outcome.
    // Changes of tasks know their repeats by themselves.
    const command: Command = wish.type === 'tasks' ? wish : { ...wish, id: newCommandId() }
    const propose = async (leader: PeerId, within: AbortSignal): Promise<Committed> => {
      const committed = await this.#propose(leader, command, within)
      await consensus.applied(committed.index, { signal: within })
      return committed
    }
    return this.asked(propose, { signal })
  }

  /**
   * What the orchestrator, whoever it is, answers to a question, which is put again while the role changes hands: so it must do no harm twice. Throws
   * as `agree` does.
   */
  async asked<Answer>(
    question: (orchestrator: PeerId, within: AbortSignal) => Promise<Answer>,
    { signal }: { signal: AbortSignal }
  ): Promise<Answer> {
    const { consensus, transport, clock, log, electionMs } = this.#components
    const within = AbortSignal.any([signal, clock.timeout(AGREE_TIMEOUT_MS)])
    let failingSinceMs: number | undefined
    while (true) {
      const leader = consensus.role.leader
      try {
        if (leader === null) throw noOrchestrator(consensus)
        return await this.#ask(question, leader, within)
      } catch (err) {
        if (signal.aborted) throw toCaresError(signal.reason)
        const error = toCaresError(err)
        // An orchestrator that stops has handed its role over, and so has one that takes no part any more; one of an older version tells only of its disk.
        const hasHandedOver = error.code === 'stopping' || error.code === 'fenced' || error.details['disk'] !== undefined
        const isLeaving = leader !== null && leader !== transport.self && hasHandedOver
        const isTransient = TRANSIENT.has(error.code) || isLeaving
        if (!isTransient || within.aborted) throw error
        failingSinceMs ??= clock.nowMs()
        // One that has only just turned up is given time; who comes long after the last one was lost knows at once that there is none.
        const sinceMs = leader === null ? Math.min(failingSinceMs, this.#leaderlessSinceMs) : failingSinceMs
        if (clock.nowMs() - sinceMs > ELECTION_RATIO * electionMs) throw leader === null ? noQuorum(error) : error
        log.debug({ code: error.code, leader }, 'agreement is tried again')
        await clock.sleep(RETRY_MS, { signal: within })
      }
    }
  }

  async #ask<Answer>(
    question: (orchestrator: PeerId, within: AbortSignal) => Promise<Answer>,
    leader: PeerId,
    within: AbortSignal
  ): Promise<Answer> {
    const abort = new AbortController()
    this.#asked.set(abort, leader)
    try {
      return await question(leader, AbortSignal.any([within, abort.signal]))
    } catch (err) {
      throw abort.signal.aborted ? toCaresError(abort.signal.reason) : err
    } finally {
      this.#asked.delete(abort)
    }
  }

  async #propose(leader: PeerId, command: Command, signal: AbortSignal): Promise<Committed> {
    const { consensus, transport, unreadableBy } = this.#components
    if (leader === transport.self) return consensus.propose(command, { signal })
    const unreadable = unreadableBy?.(leader, command) ?? null
    if (unreadable !== null) throw unreadable
    const answer = await ask(transport, leader, { type: 'propose', command }, { signal })
    if (answer.type !== 'outcome') throw new CaresError('protocol', `the orchestrator answered a proposal with ${answer.type}`)
    return answer
  }
}

function noOrchestrator(consensus: Consensus): CaresError {
  if (consensus.fenced !== null) return fencedRefusal(consensus.fenced)
  return new CaresError('no_orchestrator', 'no orchestrator is known', { retryable: true })
}

function noQuorum(cause: CaresError): CaresError {
  return new CaresError('no_quorum', 'the cluster has no orchestrator, so nothing can be agreed', {
    retryable: true,
    hint: 'functions go on answering; see which voters are gone: cares status',
    details: { retryAfterMs: 1_000 },
    cause
  })
}
