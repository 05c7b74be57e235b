import { CaresError, toCaresError } from '../../model/errors.ts'
import type { CallPolicy, FunctionRecord } from '../../model/function.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import {
  type AnswerDown,
  type CallHead,
  type CallToPlace,
  type Headers,
  type Order,
  PARAMS_HEADER,
  type Placed,
  type RemoteError,
  type Run
} from '../../model/invocation.ts'
import type { Receipt } from '../../model/placement.ts'
import type { Logger } from '../../model/ports/logger.ts'
import { fromRemoteError } from '../../model/remote-error.ts'
import type { Breakers } from './breaker.ts'
import { PlacerExchange, type PlacerExchangeComponents, type PlacerReply } from './placer-exchange.ts'
import type { ReplayBody } from './replay-body.ts'
import { type WorkEnd, WorkerExchanges, type WorkerExchangesComponents } from './worker-exchanges.ts'

/** Most rounds of one call: each asks for a new placement, of another placer or after a loss. More are a sign of something worse than dying peers. */
const ROUNDS_MAX = 6
/** How often a call attaches to its worker again after a lost connection before the worker counts as lost. */
const ATTACHES_MAX = 3
/** Longest random pause before an attach, so that gateways which lose the same worker do not all attach in the same millisecond. */
const ATTACH_JITTER_MS = 50

/** Failures of a round that another placer may not meet, so that another round is worth while. */
const ANOTHER_PLACER_MAY = new Set<string>([
  'not_orchestrator',
  'no_orchestrator',
  'stopping',
  'stale',
  'withdrawn',
  'peer_lost',
  'peer_unreachable',
  'peer_draining'
])

export interface GatewayCallInit {
  readonly invocation: InvocationId
  readonly fn: FunctionRecord
  readonly head: CallHead
  readonly body: ReplayBody
  /** The whole body, when it is small. */
  readonly inline: Uint8Array | undefined
  readonly pinnedTo: PeerId | undefined
  /** What the client asks of the placement. */
  readonly asked: CallPolicy | undefined
  /** What is left of the client's time, in milliseconds from now on. */
  readonly deadlineMs: number
  /** See `CallToPlace`. */
  readonly minIndex: number
  /** A worker was chosen: the work is ordered from it next. */
  readonly onPlaced: (placed: Placed) => void
  /** No peer could take it, for the reasons that the receipt gives. */
  readonly onUnplaced: (receipt: Receipt) => void
  /** The work has failed after it had begun; what it used. */
  readonly onFailed: (run: Run) => void
}

export interface GatewayCallComponents extends PlacerExchangeComponents, WorkerExchangesComponents, Breakers {
  readonly log: Logger
  readonly orchestrator: () => PeerId | null
  readonly random: () => number
}

/** How a round ended: `done`: with the last byte of the answer; `again`: without one, and another round does no harm. */
type RoundEnd = { readonly type: 'done' } | { readonly type: 'again'; readonly error: CaresError }

/**
 * One invocation as its gateway sees it: rounds of placement, by the orchestrator or by itself, until one is answered. The gateway itself orders the
 * work from the worker that it is told, so whoever places can be lost without harm.
 *
 * Promise 3 of the README decides whether there may be another order: only when the work provably did not start, or the function is idempotent.
 */
export class GatewayCall {
  readonly #init: GatewayCallInit
  readonly #components: GatewayCallComponents
  readonly #startedMs: number
  readonly #work: WorkerExchanges
  #hint: PeerId | undefined
  /** What was ordered last. */
  #ordered: FunctionRecord

  constructor(init: GatewayCallInit, components: GatewayCallComponents) {
    this.#init = init
    this.#components = components
    this.#startedMs = components.clock.nowMs()
    this.#ordered = init.fn
    this.#work = new WorkerExchanges(init, components)
  }

  /** See `WorkerExchanges.rest`; to be asked once the messages have ended. */
  get rest(): Promise<void> | undefined {
    return this.#work.rest
  }

  /**
   * A worker does not answer although its connection stands. A call that may be repeated is placed elsewhere; any other waits until that is confirmed
   * by others: if the worker comes back before, it still gets its answer.
   */
  onSilent(worker: PeerId, { isConfirmed }: { readonly isConfirmed: boolean }): void {
    if (isConfirmed || (this.#ordered.idempotent && this.#canStartOver)) this.#work.giveUp(worker)
  }

  /** The answer: its head, its body, its end. Throws the CaresError that ended the call, or the signal's reason as one. */
  async *messages({ signal }: { signal: AbortSignal }): AsyncGenerator<AnswerDown, void> {
    for (let round = 1; ; round++) {
      const end = yield* this.#round(round, signal)
      if (end.type === 'done') return
      this.#components.log.debug({ invocation: this.#init.invocation, round, code: end.error.code }, 'round ended without an answer')
      if (round >= ROUNDS_MAX) throw end.error
    }
  }

  async *#round(round: number, signal: AbortSignal): AsyncGenerator<AnswerDown, RoundEnd> {
    const { transport, lostPlacers } = this.#components
    // Peers that name each other as orchestrator could send a call round and round: the last round is this gateway's own.
    const orchestrator = round === ROUNDS_MAX ? null : this.#chooseOrchestrator()
    const placer = orchestrator ?? transport.self
    let exchange: PlacerExchange
    try {
      exchange = await PlacerExchange.open(placer, this.#toPlace(round, orchestrator === null), this.#components, { signal })
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      const error = toCaresError(err)
      // This gateway asks for too much at once: that is no loss of the orchestrator, and to place more itself would not help.
      if (error.code === 'overloaded') throw error
      lostPlacers.trip(placer)
      return { type: 'again', error }
    }
    try {
      while (true) {
        const reply = await this.#listen(exchange, placer, signal)
        if (reply.type === 'lost') return { type: 'again', error: reply.error }
        if (reply.type === 'failed') {
          if (reply.receipt !== undefined) this.#init.onUnplaced(reply.receipt)
          return this.#onNoPlace(reply.error, placer)
        }
        this.#init.onPlaced(reply)
        const end = yield* this.#execute(reply, placer, orchestrator === null, signal)
        if (end.type !== 'refused') return end
        if (!this.#canStartOver) throw fromRemoteError(end.error)
        exchange.refused(end.error, end.stats)
      }
    } finally {
      exchange.end(this.#work.report)
    }
  }

  #chooseOrchestrator(): PeerId | null {
    const { lostPlacers, orchestrator } = this.#components
    const hint = this.#hint
    this.#hint = undefined
    if (hint !== undefined && !lostPlacers.isOpen(hint)) return hint
    const known = orchestrator()
    return known === null || lostPlacers.isOpen(known) ? null : known
  }

  #toPlace(round: number, fallback: boolean): CallToPlace {
    const { invocation, fn, head, pinnedTo, asked, minIndex, inline } = this.#init
    return {
      invocation,
      function: fn.name,
      revision: fn.revision,
      headers: placerHeaders(head.headers),
      ...(asked === undefined ? {} : { asked }),
      inputBytes: head.bodyBytes ?? inline?.length ?? 0,
      round,
      deadlineMs: this.#leftMs,
      pinnedTo,
      minIndex,
      fallback
    }
  }

  /** What is left of the call's time. */
  get #leftMs(): number {
    return Math.max(1, Math.ceil(this.#init.deadlineMs - (this.#components.clock.nowMs() - this.#startedMs)))
  }

  /** The placer's reply, or that it is lost: then nothing of this round runs. */
  async #listen(exchange: PlacerExchange, placer: PeerId, signal: AbortSignal): Promise<PlacerReply | { type: 'lost'; error: CaresError }> {
    try {
      return await exchange.next({ signal })
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      const error = toCaresError(err)
      if (error.code !== 'peer_lost') throw error
      this.#components.lostPlacers.trip(placer)
      return { type: 'lost', error }
    }
  }

  #onNoPlace(remote: RemoteError, asked: PeerId): RoundEnd {
    const error = fromRemoteError(remote)
    if (!ANOTHER_PLACER_MAY.has(error.code)) throw error
    if (error.code === 'not_orchestrator') this.#onNotOrchestrator(error.details['orchestrator'], asked)
    return { type: 'again', error }
  }

  #onNotOrchestrator(named: unknown, asked: PeerId): void {
    const { orchestrator, lostPlacers } = this.#components
    // One that names itself has won its election a moment ago and may not decide yet: until then calls do without it.
    if (typeof named === 'string' && named !== asked) this.#hint = named as PeerId
    const known = orchestrator()
    if (this.#hint === undefined && known !== null) lostPlacers.trip(known)
  }

  get #canStartOver(): boolean {
    return !this.#work.hasBegun && (this.#init.inline !== undefined || this.#init.body.replayable)
  }

  /** Orders the work where it was placed, and asks for its answer again should the connection to the worker be lost. */
  async *#execute(
    placed: Placed,
    placer: PeerId,
    fallback: boolean,
    signal: AbortSignal
  ): AsyncGenerator<AnswerDown, RoundEnd | Extract<WorkEnd, { type: 'refused' }>> {
    const { clock, random } = this.#components
    const { worker, session, attempt, function: fn = this.#init.fn } = placed
    const asked = { invocation: this.#init.invocation, round: attempt.round, session }
    this.#ordered = fn
    let end = yield* this.#work.order(worker, this.#order(placed, fn, placer, fallback), { signal })
    for (let attaches = 0; end.type === 'lost' && end.error.code === 'peer_lost' && attaches < ATTACHES_MAX; attaches++) {
      await clock.sleep(random() * ATTACH_JITTER_MS, { signal })
      end = yield* this.#work.attach(worker, asked, { signal })
    }
    switch (end.type) {
      case 'answered':
        return { type: 'done' }
      case 'refused':
        return end
      case 'lost':
        return this.#afterDoubt(
          fn,
          new CaresError('peer_lost', `the worker of the call was lost: ${end.error.message}`, { cause: end.error })
        )
      case 'unknown':
        if (end.session !== session)
          return this.#afterDoubt(fn, new CaresError('peer_lost', 'the worker has restarted since the call was placed on it'))
        return this.#again(
          new CaresError('peer_lost', 'the worker had not started the call when its connection was lost', { retryable: true })
        )
      case 'failed': {
        if (end.run !== undefined) this.#init.onFailed(end.run)
        const error = fromRemoteError(end.error)
        if (error.code !== 'peer_lost') throw error
        return this.#afterDoubt(fn, error)
      }
    }
  }

  #order({ session, attempt, term, order }: Placed, fn: FunctionRecord, placer: PeerId, fallback: boolean): Order {
    const { invocation, head, inline } = this.#init
    const placement = fallback ? 'fallback' : 'orchestrator'
    return { invocation, attempt, placement, term, session, placer, order, function: fn, head, deadlineMs: this.#leftMs, body: inline }
  }

  /** The work may have started and cannot be asked about: only an idempotent function may run again. */
  #afterDoubt(fn: FunctionRecord, error: CaresError): RoundEnd {
    if (fn.idempotent && this.#canStartOver) return { type: 'again', error }
    throw new CaresError('peer_lost', error.message, {
      cause: error,
      hint: fn.idempotent ? undefined : 'if running it twice does no harm, upload the function with --idempotent: such calls are repeated',
      details: { execution: 'unknown', ...error.details }
    })
  }

  /** The work has not started; whether it can be tried again is a matter of its body only. */
  #again(error: CaresError): RoundEnd {
    if (this.#canStartOver) return { type: 'again', error }
    throw error
  }
}

/** Headers that the placer of a call needs: what its cost depends on, and the trace that it is part of. */
function placerHeaders(headers: Headers): Headers {
  return headers.filter(([name]) => name === PARAMS_HEADER || name === 'traceparent' || name === 'tracestate')
}
