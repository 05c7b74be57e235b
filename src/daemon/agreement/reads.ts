import * as raft from '../../core/consensus/raft.ts'
import type { Step } from '../../core/consensus/effects.ts'
import { isAnswered, type RaftState } from '../../core/consensus/state.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Term } from '../../model/ids.ts'
import { refusal } from './proposals.ts'

/** Questions that wait at once. A few hundred bytes each; they are answered a thousand at a time. */
const WAITING_MAX = 10_000

type Reader = PromiseWithResolvers<number>

/** A round of questions to the voters, on its way. */
interface Round {
  readonly term: Term
  readonly index: number
  readonly round: number
  readonly readers: readonly Reader[]
}

/**
 * Who waits to know how much is agreed, see `raft.readIndex`. One round is on its way at any time: whoever asks meanwhile waits for the next one, which all
 * of them share, so that reading costs the voters a message a round trip at most.
 */
export class Reads {
  readonly #enqueue: (take: (state: RaftState, nowMs: number) => Step) => void
  #waiting: Reader[] = []
  #asked: Round | undefined

  /** @param enqueue - has consensus take an input, unless it has ended */
  constructor(enqueue: (take: (state: RaftState, nowMs: number) => Step) => void) {
    this.#enqueue = enqueue
  }

  /** Resolves with the index; rejects when the question is refused, when the role is lost, and with the signal's reason. */
  async ask({ signal }: { signal: AbortSignal }): Promise<number> {
    if (this.#waiting.length >= WAITING_MAX)
      throw new CaresError('overloaded', 'too many wait to read what is agreed', { retryable: true, details: { retryAfterMs: 1_000 } })
    const reader: Reader = Promise.withResolvers()
    this.#waiting.push(reader)
    const onAbort = (): void => reader.reject(toCaresError(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    this.#enqueue((state, nowMs) => this.#begin(state, nowMs))
    try {
      return await reader.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Whatever has just come in may have been the last answer that was missing. */
  onStep(state: RaftState): void {
    if (this.#asked === undefined) return
    const { term, index, round, readers } = this.#asked
    if (state.term !== term || !isAnswered(state, round)) return
    this.#asked = undefined
    for (const { resolve } of readers) resolve(index)
    if (this.#waiting.length > 0) this.#enqueue((now, nowMs) => this.#begin(now, nowMs))
  }

  rejectAll(reason: CaresError): void {
    for (const { reject } of [...(this.#asked?.readers ?? []), ...this.#waiting]) reject(reason)
    this.#asked = undefined
    this.#waiting = []
  }

  /** Asks for all that wait by now, unless a round is on its way. */
  #begin(state: RaftState, nowMs: number): Step {
    if (this.#asked !== undefined || this.#waiting.length === 0) return { state, effects: [] }
    const readers = this.#waiting
    this.#waiting = []
    const result = raft.readIndex(state, nowMs)
    if (result.outcome === 'asked') this.#asked = { ...result, readers }
    else for (const { reject } of readers) reject(refusal(result.reason, state.leader))
    return result
  }
}
