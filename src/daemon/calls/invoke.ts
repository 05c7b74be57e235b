import { CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import { type AnswerDown, INLINE_BODY_BYTES_MAX, type Placed } from '../../model/invocation.ts'
import type { PlacementKind } from '../../model/placement.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Tracer } from '../../model/ports/tracer.ts'
import type { InvocationAnswer, InvocationRequest } from '../../model/service.ts'
import { formatDurationMs } from '../../model/units.ts'
import { AbortLinks } from '../abort-links.ts'
import { collect, once } from './bodies.ts'
import { type Breakers, createBreakers } from './breaker.ts'
import { carriedBy, endGatewaySpan, gatewaySpan } from './call-spans.ts'
import { answerAgain } from './answer-again.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import { GatewayCall, type GatewayCallComponents } from './gateway-call.ts'
import { type InvocationBook, keyOf } from './invocation-book.ts'
import { type OutcomeCount, OutcomeCounts } from '../telemetry/outcome-counts.ts'
import { ReplayBody } from './replay-body.ts'
import { finished, type Outcome, type RunningCall, runningCall, stopping, toldOfWait } from './running-call.ts'
import { RunningCalls } from './running-calls.ts'
import { type Keyed, RequestPrint } from './request-print.ts'
import { streamedAnswer } from './streamed-answer.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { checkWebSocket, isOpen, timesOf } from './web-sockets.ts'

/** The worker ends a call at its deadline and says why; the gateway waits this much longer for that. */
const DEADLINE_GRACE_MS = 500
/** How often a gateway that drains looks whether it is done. */
const DRAIN_LOOK_MS = 25

export interface GatewayComponents extends Omit<GatewayCallComponents, keyof Breakers> {
  readonly book: InvocationBook
  readonly events: EventLog
  readonly newInvocationId: () => InvocationId
  /** Throws `not_found` with the closest name. */
  readonly findFunction: (name: string, options: { signal: AbortSignal }) => Promise<FunctionRecord>
  readonly resolvePeer: (idOrName: string) => PeerId
  readonly appliedIndex: () => number
  readonly tracer?: Tracer | undefined
  /** Milliseconds since the last consensus message of a peer. */
  readonly silentMs: (peer: PeerId) => number
  /** From which silence on a peer is suspect. */
  readonly suspectAfterMs: number
}

/** Takes clients' calls, has each placed and answered, and keeps their records. */
export class Gateway implements Startable {
  readonly #components: GatewayComponents
  readonly #breakers: Breakers
  readonly #running: RunningCalls
  readonly #background = new Set<Promise<void>>()
  readonly #outcomes = new OutcomeCounts()
  readonly #placements: Record<PlacementKind, number> = { orchestrator: 0, fallback: 0 }
  #stopping = false

  constructor(components: GatewayComponents) {
    this.#components = components
    this.#breakers = createBreakers(components)
    this.#running = new RunningCalls({ ...components, ...this.#breakers })
  }

  get inFlight(): number {
    return this.#running.size
  }

  get outcomes(): readonly OutcomeCount[] {
    return this.#outcomes.all
  }

  get placements(): readonly { kind: PlacementKind; count: number }[] {
    return [
      { kind: 'orchestrator', count: this.#placements.orchestrator },
      { kind: 'fallback', count: this.#placements.fallback }
    ]
  }

  async start(): Promise<void> {
    this.#stopping = false
  }

  /** Refuses new calls, and waits for those in flight until the signal aborts. WebSockets end at once: by themselves they would not. */
  async drain({ signal }: { signal: AbortSignal }): Promise<void> {
    this.#stopping = true
    for (const { head, abort } of this.#running) if (isOpen(head)) abort.abort(stopping())
    while (this.#running.size > 0 && !signal.aborted) await this.#components.clock.sleep(DRAIN_LOOK_MS)
  }

  /** Cancels what is in flight. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const { abort } of this.#running) abort.abort(stopping())
    await Promise.all(this.#background)
    this.#running.stop()
  }

  /** Cancels an invocation of this gateway; false when it is not in flight here. */
  cancel(id: InvocationId): boolean {
    const running = this.#running.get(id)
    running?.abort.abort(new CaresError('cancelled', 'the invocation was cancelled'))
    return running !== undefined
  }

  /** See `PeerService.invoke`. */
  async invoke(request: InvocationRequest, { signal }: { signal: AbortSignal }): Promise<InvocationAnswer> {
    const startedMs = this.#components.clock.nowMs()
    const fn = await this.#components.findFunction(request.function, { signal })
    checkWebSocket(fn, request)
    const key = keyOf(request)
    if (key === undefined) return this.#start(this.#accept(fn, request, { startedMs }), request, { signal, keep: false })
    const repeated = this.#components.book.repeated(request, { signal })
    if (repeated !== undefined) return answerAgain(this.#components.book, await repeated, { signal })
    const print = new RequestPrint(request)
    const printed = { ...request, body: print.reading(request.body) }
    return this.#start(this.#accept(fn, printed, { keyed: { key, print }, startedMs }), printed, { signal, keep: true })
  }

  /** See `PeerService.invokeAsync`. */
  async invokeAsync(request: InvocationRequest, { signal }: { signal: AbortSignal }): Promise<{ invocation: InvocationId }> {
    const { book, clock, log } = this.#components
    const startedMs = this.#components.clock.nowMs()
    const fn = await this.#components.findFunction(request.function, { signal })
    const key = keyOf(request)
    const repeated = book.repeated(request, { signal })
    if (repeated !== undefined) return { invocation: await repeated }
    const keyed = key === undefined ? undefined : { key, print: new RequestPrint(request) }
    const running = this.#accept(fn, request, { keyed, startedMs })
    let body: Uint8Array
    try {
      body = await untilAborted(
        collect(keyed?.print.reading(request.body) ?? request.body),
        AbortSignal.any([signal, running.abort.signal, clock.timeout(fn.timeoutMs)])
      )
    } catch (err) {
      const error = toCaresError(err)
      book.clearKey(key)
      this.#finish(running, { error })
      throw error
    }
    const work = this.#start(running, { ...request, body: once(body) }, { signal: running.abort.signal, keep: true })
      .then(async answer => {
        for await (const _ of answer.body) continue
      })
      .catch((err: unknown) => log.debug({ err, invocation: running.id }, 'asynchronous invocation failed'))
      .finally(() => this.#background.delete(work))
    this.#background.add(work)
    return { invocation: running.id }
  }

  #accept(
    fn: FunctionRecord,
    request: InvocationRequest,
    { keyed, startedMs }: { keyed?: Keyed | undefined; startedMs: number }
  ): RunningCall {
    const { book, clock, transport } = this.#components
    if (this.#stopping) throw new CaresError('stopping', 'this peer is stopping', { retryable: true, hint: 'call another peer' })
    this.#running.assertRoom()
    const id = this.#components.newInvocationId()
    const span = gatewaySpan(this.#components.tracer, id, fn, request.head)
    const running = runningCall({ id, fn, keyed, startedMs, span })
    this.#running.add(running)
    if (keyed !== undefined) book.setKey(keyed.key, { id, print: keyed.print })
    book.open({
      id,
      function: fn.name,
      revision: fn.revision,
      gateway: transport.self,
      state: 'queued',
      acceptedAt: clock.timestamp(),
      method: request.head.method,
      path: request.head.path,
      ...(request.caller === undefined ? {} : { caller: request.caller }),
      receipts: []
    })
    return running
  }

  async #start(
    running: RunningCall,
    request: InvocationRequest,
    { signal, keep }: { signal: AbortSignal; keep: boolean }
  ): Promise<InvocationAnswer> {
    const { clock } = this.#components
    const { fn, abort, startedMs } = running
    const { answerMs, deadlineMs } = timesOf(fn, request)
    const links = new AbortLinks()
    links.add(signal, reason => abort.abort(reason))
    const onTimeout = (): void => {
      if (!isOpen(running.head)) abort.abort(new CaresError('timeout', `no answer within ${formatDurationMs(answerMs)}`))
    }
    links.after(answerMs - (clock.nowMs() - startedMs) + DEADLINE_GRACE_MS, onTimeout, { clock })
    const body = new ReplayBody(request.body)
    const onOver = (): void => {
      links[Symbol.dispose]()
      body.cancel()
    }
    let messages: AsyncGenerator<AnswerDown, void> | undefined
    try {
      const small = request.head.bodyBytes !== undefined && request.head.bodyBytes <= INLINE_BODY_BYTES_MAX
      const inline = small ? await untilAborted(body.inline(), abort.signal) : undefined
      const call = this.#place(running, request, { body, inline, deadlineMs })
      messages = call.messages({ signal: abort.signal })
      const first = await messages.next()
      if (first.done === true || first.value.type !== 'answer') throw new CaresError('protocol', 'an answer must begin with its head')
      const { head, whole } = first.value
      const { placed } = running
      if (placed === undefined) throw new CaresError('protocol', 'an answer came before its placement')
      running.head = head
      const known = { invocation: running.id, worker: placed.worker, placement: placed.receipt.placement, head }
      if (whole !== undefined) {
        // The call is over before its client has read a byte.
        await messages.return()
        const rest = call.rest?.then(onOver)
        if (rest === undefined) onOver()
        this.#answered(running, { usage: whole.end.usage }, keep ? whole.body : undefined)
        return { ...known, body: once(whole.body), end: Promise.resolve(whole.end), whole, rest }
      }
      const onOutcome = (outcome: Outcome, kept: Uint8Array | undefined): void => this.#answered(running, outcome, kept)
      const { wake, ...streamed } = streamedAnswer(messages, { keep, onOutcome, rest: () => call.rest, onOver })
      links.add(abort.signal, wake)
      return { ...known, ...streamed }
    } catch (err) {
      const error = toldOfWait(running, toCaresError(err))
      // A retryable failure means that nothing was done under this idempotency key: the next call with it runs anew.
      if (error.retryable) this.#components.book.clearKey(running.keyed?.key)
      this.#finish(running, { error })
      onOver()
      await messages?.return()
      throw error
    }
  }

  #place(
    running: RunningCall,
    request: InvocationRequest,
    { body, inline, deadlineMs }: { body: ReplayBody; inline: Uint8Array | undefined; deadlineMs: number }
  ): GatewayCall {
    const { clock, appliedIndex, resolvePeer } = this.#components
    const { id, fn, startedMs } = running
    running.askedMs = clock.nowMs()
    running.call = new GatewayCall(
      {
        invocation: id,
        fn,
        head: carriedBy(running.span, request.head),
        body,
        inline,
        pinnedTo: request.on === undefined ? undefined : resolvePeer(request.on),
        asked: request.asked,
        deadlineMs: Math.max(1, deadlineMs - (clock.nowMs() - startedMs)),
        minIndex: appliedIndex(),
        onPlaced: placed => this.#onPlaced(running, placed),
        onUnplaced: receipt => this.#components.book.addReceipt(id, receipt),
        onFailed: run => (running.failed = run)
      },
      { ...this.#components, ...this.#breakers }
    )
    return running.call
  }

  /** An answer has ended; `kept` is what it may be asked for again. */
  #answered(running: RunningCall, outcome: Outcome, kept: Uint8Array | undefined): void {
    if (running.head !== undefined && kept !== undefined) this.#components.book.keep(running.id, { head: running.head, body: kept })
    this.#finish(running, outcome)
  }

  #onPlaced(running: RunningCall, placed: Placed): void {
    const { book } = this.#components
    this.#running.place(running, placed)
    const { worker, receipt } = placed
    book.addReceipt(running.id, receipt)
    book.update(running.id, { state: 'running', worker, placement: receipt.placement })
  }

  #finish(running: RunningCall, outcome: Outcome): void {
    if (!this.#running.delete(running.id)) return
    running.keyed?.print.close()
    const { book, clock, events } = this.#components
    const { id, fn, head, placed } = running
    const { error } = outcome
    const totalMs = clock.nowMs() - running.startedMs
    book.update(id, finished(running, outcome, totalMs))
    if (running.span !== undefined) endGatewaySpan(running.span, { head, placed, error })
    if (placed !== undefined) this.#placements[placed.receipt.placement]++
    this.#outcomes.add(fn.name, error?.code ?? 'ok')
    events.emit('invocation:finished', {
      invocation: id,
      function: fn.name,
      worker: placed?.worker ?? null,
      status: head?.status ?? 0,
      totalMs,
      code: error?.code ?? null
    })
  }
}
