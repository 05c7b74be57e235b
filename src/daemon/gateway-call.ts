import { CaresError, toCaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Attempt, InvocationId, PeerId, Session } from '../model/ids.ts'
import type { AnswerDown, CallHead, ExecuteDown, ExecuteUp, InvokeDown, InvokeUp, RemoteError, WholeAnswer } from '../model/invocation.ts'
import type { PlacementKind, Receipt } from '../model/placement.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Channel, Transport } from '../model/ports/transport.ts'
import { fromRemoteError } from '../model/remote-error.ts'
import { AbortLinks } from './abort-links.ts'
import { openWithin } from './open-within.ts'
import type { OrchestratorWatch } from './orchestrator-watch.ts'
import type { ReplayBody } from './replay-body.ts'

/** A round is a placement by somebody else, or after a loss. More of them than peers can die in one call's time are a sign of something worse. */
const ROUNDS_MAX = 6
/** An orchestrator that has not said `queued` by then is taken for lost. A wrong guess costs a hop, not an execution. */
const FIRST_SIGN_MS = 500
const OPEN_TIMEOUT_MS = 1_500
/** After a loss the gateway places for itself this long before it asks the same peer again. */
const BREAKER_MS = 500
/** Gateways that lose the same orchestrator do not all attach in the same millisecond. */
const ATTACH_JITTER_MS = 50

/** Failures of a round that another placer may not have. All of them happen before anything starts. */
const ANOTHER_PLACER_MAY = new Set<string>([
  'not_orchestrator',
  'no_orchestrator',
  'stopping',
  'stale',
  'withdrawn',
  'peer_unreachable',
  'peer_draining'
])

/** Where an attempt went: the gateway learns it before the work is dispatched. */
export interface Placed {
  readonly worker: PeerId
  readonly session: Session
  readonly attempt: Attempt
  readonly placement: PlacementKind
  readonly receipt: Receipt
}

export interface GatewayCallInit {
  readonly invocation: InvocationId
  readonly fn: FunctionRecord
  readonly head: CallHead
  readonly body: ReplayBody
  /** The whole body, when it is small. */
  readonly inline: Uint8Array | undefined
  readonly pinnedTo: PeerId | undefined
  readonly deadlineMs: number
  readonly minIndex: number
  readonly onPlaced: (placed: Placed) => void
}

export interface GatewayCallComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly watch: OrchestratorWatch
  readonly orchestrator: () => PeerId | null
  /** Peers that were lost as orchestrators lately, shared by all calls of a gateway. */
  readonly breaker: Breaker
  readonly random: () => number
}

/** Remembers for a moment who could not be reached as orchestrator, so that not every call finds out for itself. */
export class Breaker {
  readonly #clock: Clock
  readonly #openUntilMs = new Map<PeerId, number>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  trip(peer: PeerId): void {
    this.#openUntilMs.set(peer, this.#clock.nowMs() + BREAKER_MS)
  }

  isOpen(peer: PeerId): boolean {
    const untilMs = this.#openUntilMs.get(peer)
    if (untilMs === undefined) return false
    if (this.#clock.nowMs() < untilMs) return true
    this.#openUntilMs.delete(peer)
    return false
  }
}

/** How a round ended: with the last byte of the answer, or with the certainty that another round does no harm. */
type RoundEnd = { readonly type: 'done' } | { readonly type: 'again'; readonly error: CaresError }
/** Who answered has lost the worker: the work may have started, and nobody but the worker can tell. */
type Doubt = { readonly type: 'doubt'; readonly error: CaresError }

/**
 * One invocation as its gateway sees it: rounds of placement, by the orchestrator or by itself, until one is answered.
 *
 * Between rounds stands promise 3: another round only when the work provably did not start, or the function is idempotent.
 */
export class GatewayCall {
  readonly #init: GatewayCallInit
  readonly #components: GatewayCallComponents
  readonly #startedMs: number
  #headSent = false
  #offset = 0
  #hint: PeerId | undefined
  #asked: PeerId | undefined

  constructor(init: GatewayCallInit, components: GatewayCallComponents) {
    this.#init = init
    this.#components = components
    this.#startedMs = components.clock.nowMs()
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
    const { transport, clock, watch, breaker } = this.#components
    // Peers that name each other as orchestrator could send a call round and round: the last round is this gateway's own.
    const orchestrator = round === ROUNDS_MAX ? null : this.#chooseOrchestrator()
    const target = orchestrator ?? transport.self
    this.#asked = target
    let channel: Channel<InvokeUp, InvokeDown>
    try {
      channel = await openWithin(transport, 'invoke', target, { ms: OPEN_TIMEOUT_MS, clock, signal })
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      const error = toCaresError(err)
      // This gateway asks for too much at once: that is no loss of the orchestrator, and to place more itself would not help.
      if (error.code === 'overloaded') throw error
      breaker.trip(target)
      return { type: 'again', error }
    }
    let watched = watch.watch(target)
    using links = new AbortLinks()
    links.add(signal, reason => channel.abort(toCaresError(reason)))
    let uploading = false
    let over = false
    let complete = false
    // What an attach cannot go on with is not given up on a suspicion: a call whose body is on its way waits until that has arrived.
    const onSilence = (reason: unknown): void => {
      if (!uploading) channel.abort(toCaresError(reason))
    }
    links.add(watched.signal, onSilence)
    let firstSign = false
    const onNoSign = (): void => {
      if (!firstSign) channel.abort(new CaresError('peer_lost', 'the orchestrator does not answer', { retryable: true }))
    }
    links.after(FIRST_SIGN_MS, onNoSign, { clock })
    let placed: Placed | undefined
    let lost: CaresError | undefined
    try {
      await channel.send(this.#callMessage(round, orchestrator === null))
      while (lost === undefined) {
        const message = await channel.receive()
        firstSign = true
        complete = isLast(message)
        if (message === undefined)
          throw new CaresError('peer_lost', 'the orchestrator ended the call without an answer', { retryable: true })
        if (message.type === 'queued') continue
        if (message.type === 'placed') {
          const { worker, session, attempt, receipt } = message
          placed = { worker, session, attempt, receipt, placement: receipt.placement }
          this.#init.onPlaced(placed)
          await channel.send({ type: 'placed-ack', attempt })
        } else if (message.type === 'accepted') {
          uploading = true
          void this.#sendBody(channel).then(() => {
            uploading = false
            if (over || !watched.signal.aborted) return
            // Is it silent still?
            watched = watch.watch(target)
            links.add(watched.signal, onSilence)
          })
        } else {
          const end = yield* this.#onAnswer(message)
          if (end?.type === 'doubt') lost = end.error
          else if (end !== undefined) return end
        }
      }
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      lost = toCaresError(err)
      if (lost.code !== 'peer_lost') throw lost
      breaker.trip(target)
      if (placed === undefined) return { type: 'again', error: lost }
    } finally {
      over = true
      watched[Symbol.dispose]()
      channel.end()
      // Reached early when the client stops reading, and when the function answered without reading all of its input.
      if (!complete || uploading) channel.abort(new CaresError('cancelled', 'the gateway has ended the call'))
    }
    return placed === undefined ? this.#afterDoubt(lost) : yield* this.#attach(placed, round, signal)
  }

  #chooseOrchestrator(): PeerId | null {
    const { breaker, orchestrator } = this.#components
    const hint = this.#hint
    this.#hint = undefined
    if (hint !== undefined && !breaker.isOpen(hint)) return hint
    const known = orchestrator()
    return known === null || breaker.isOpen(known) ? null : known
  }

  #callMessage(round: number, fallback: boolean): InvokeUp {
    const { invocation, fn, head, pinnedTo, minIndex, inline } = this.#init
    const deadlineMs = Math.max(1, Math.ceil(this.#init.deadlineMs - (this.#components.clock.nowMs() - this.#startedMs)))
    return { type: 'call', invocation, function: fn.name, head, round, deadlineMs, pinnedTo, minIndex, fallback, body: inline }
  }

  /** Passes a part of the answer on. Returns how the round ended, or undefined when more is to come. */
  async *#onAnswer(message: AnswerDown): AsyncGenerator<AnswerDown, RoundEnd | Doubt | undefined> {
    switch (message.type) {
      case 'answer':
        if (message.whole !== undefined) {
          yield* this.#rest(message, message.whole)
          return { type: 'done' }
        }
        if (!this.#headSent) yield message
        this.#headSent = true
        this.#init.body.release()
        return undefined
      case 'body':
        this.#offset += message.chunk.length
        yield message
        return undefined
      case 'answer-end':
        yield message
        return { type: 'done' }
      case 'failed':
        return this.#onFailed(message.error)
    }
  }

  /** A whole answer, or what is missing of it where a part had arrived before its placer was lost. */
  *#rest(answer: AnswerDown, { body, end }: WholeAnswer): Generator<AnswerDown, void> {
    if (this.#headSent) {
      yield { type: 'body', chunk: body.subarray(this.#offset) }
      yield { type: 'answer-end', end }
    } else {
      yield answer
    }
  }

  #onFailed(remote: RemoteError): RoundEnd | Doubt {
    const error = fromRemoteError(remote)
    const { orchestrator } = error.details
    // One that names itself has won its election a moment ago and may not decide yet: until then calls do without it.
    const namesAnother = typeof orchestrator === 'string' && orchestrator !== this.#asked
    if (error.code === 'not_orchestrator' && namesAnother) this.#hint = orchestrator as PeerId
    if (!remote.started && ANOTHER_PLACER_MAY.has(error.code) && this.#canStartOver) {
      const asked = this.#components.orchestrator()
      if (error.code === 'not_orchestrator' && this.#hint === undefined && asked !== null) this.#components.breaker.trip(asked)
      return { type: 'again', error }
    }
    if (error.code === 'peer_lost') return { type: 'doubt', error }
    throw error
  }

  get #canStartOver(): boolean {
    return !this.#headSent && (this.#init.inline !== undefined || this.#init.body.replayable)
  }

  /** The work may have started and cannot be asked about: only an idempotent function may run again. */
  #afterDoubt(error: CaresError): RoundEnd {
    if (this.#init.fn.idempotent && this.#canStartOver) return { type: 'again', error }
    throw new CaresError('peer_lost', error.message, {
      cause: error,
      hint: this.#init.fn.idempotent
        ? undefined
        : 'if running it twice does no harm, upload the function with --idempotent: such calls are repeated',
      details: { execution: 'unknown', ...error.details }
    })
  }

  /** Asks the worker itself for the answer of a round whose placer was lost. */
  async *#attach(placed: Placed, round: number, signal: AbortSignal): AsyncGenerator<AnswerDown, RoundEnd> {
    const { transport, clock, random } = this.#components
    const { invocation } = this.#init
    let channel: Channel<ExecuteUp, ExecuteDown> | undefined
    let lost: CaresError | undefined
    using links = new AbortLinks()
    try {
      await clock.sleep(random() * ATTACH_JITTER_MS, { signal })
      const worker = await openWithin(transport, 'execute', placed.worker, { ms: OPEN_TIMEOUT_MS, clock, signal })
      channel = worker
      links.add(signal, reason => worker.abort(toCaresError(reason)))
      await worker.send({ type: 'attach', invocation, round, session: placed.session, offset: this.#offset })
      while (lost === undefined) {
        const message = await worker.receive()
        if (message === undefined) throw new CaresError('peer_lost', 'the worker ended the exchange without an answer')
        if (message.type === 'accepted') throw new CaresError('protocol', 'a worker asked an attached gateway for a body')
        if (message.type === 'unknown') {
          const error = new CaresError('peer_lost', 'the worker had not started the call when its placer was lost', { retryable: true })
          if (message.session === placed.session && this.#canStartOver) return { type: 'again', error }
          lost = new CaresError('peer_lost', 'the worker has restarted since the call was placed on it')
        } else if (message.type === 'failed' && !message.error.started && this.#canStartOver) {
          // It refused the order, and the placer that would have tried another worker is gone.
          return { type: 'again', error: fromRemoteError(message.error) }
        } else {
          const end = yield* this.#onAnswer(message)
          if (end?.type === 'doubt') lost = end.error
          else if (end !== undefined) return end
        }
      }
    } catch (err) {
      if (signal.aborted) throw toCaresError(signal.reason)
      const error = toCaresError(err)
      if (error.code !== 'peer_lost' && error.code !== 'peer_unreachable') throw error
      lost = new CaresError('peer_lost', `placer and worker of the call were lost: ${error.message}`, { cause: error })
    } finally {
      channel?.end()
      channel?.abort(new CaresError('cancelled', 'the gateway has ended the call'))
    }
    return this.#afterDoubt(lost)
  }

  /** Sends the body; never rejects: a broken body aborts the channel, and the reader of the channel sees why. */
  async #sendBody(channel: Channel<InvokeUp, InvokeDown>): Promise<void> {
    try {
      for await (const chunk of this.#init.body.stream()) await channel.send({ type: 'body', chunk })
      await channel.send({ type: 'end' })
    } catch (err) {
      channel.abort(toCaresError(err))
    }
  }
}

/** Whether an answer ends with this message. */
function isLast(message: InvokeDown | undefined): boolean {
  return message?.type === 'answer-end' || (message?.type === 'answer' && message.whole !== undefined)
}
