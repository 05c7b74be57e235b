import { CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import {
  type AnswerDown,
  type AnswerHead,
  INLINE_BODY_BYTES_MAX,
  type Placed,
  type Usage,
  type WholeAnswer
} from '../../model/invocation.ts'
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
import { type InvocationBook, keyOf, RESULT_BYTES_EACH_MAX } from './invocation-book.ts'
import { type OutcomeCount, OutcomeCounts } from '../telemetry/outcome-counts.ts'
import { ReplayBody } from './replay-body.ts'
import { finished, type Outcome, type RunningCall, runningCall, stopping, toldOfWait } from './running-call.ts'
import { RunningCalls } from './running-calls.ts'
import { type Keyed, RequestPrint } from './request-print.ts'
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
    const { clock, appliedIndex, resolvePeer } = this.#components
    const { id, fn, abort, startedMs } = running
    const { answerMs, deadlineMs } = timesOf(fn, request)
    const links = new AbortLinks()
    links.add(signal, reason => abort.abort(reason))
    const onTimeout = (): void => {
      if (!isOpen(running.head)) abort.abort(new CaresError('timeout', `no answer within ${formatDurationMs(answerMs)}`))
    }
    links.after(answerMs - (clock.nowMs() - startedMs) + DEADLINE_GRACE_MS, onTimeout, { clock })
    const body = new ReplayBody(request.body)
    let messages: AsyncGenerator<AnswerDown, void> | undefined
    try {
      const small = request.head.bodyBytes !== undefined && request.head.bodyBytes <= INLINE_BODY_BYTES_MAX
      const inline = small ? await untilAborted(body.inline(), abort.signal) : undefined
      running.askedMs = clock.nowMs()
      const call = new GatewayCall(
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
      running.call = call
      messages = call.messages({ signal: abort.signal })
      const first = await messages.next()
      if (first.done === true || first.value.type !== 'answer') throw new CaresError('protocol', 'an answer must begin with its head')
      const { head } = first.value
      const { placed } = running
      if (placed === undefined) throw new CaresError('protocol', 'an answer came before its placement')
      running.head = head
      const { whole } = first.value
      const over = (): void => {
        links[Symbol.dispose]()
        body.cancel()
      }
      if (whole !== undefined) {
        await messages.return()
        const rest = call.rest?.then(over)
        if (rest === undefined) over()
        return { ...this.#complete(running, placed, { head, whole, keep }), rest }
      }
      const end = Promise.withResolvers<{ usage: Usage }>()
      end.promise.catch(() => {}) // A caller need not look at it: the record of the invocation holds the failure, too.
      // A generator that was never started runs no clean-up when it is dropped. So if nobody reads the answer, the abort of the call starts it.
      const onAbort = (): void => void reading.next().catch(() => {}) // Its clean-up writes the failure into the record.
      const rest = Promise.withResolvers<void>()
      const onEnd = (): void => {
        over()
        rest.resolve()
      }
      const reading = this.#body(running, messages, {
        end,
        keep,
        onEnd: () => (call.rest === undefined ? onEnd() : void call.rest.then(onEnd))
      })
      links.add(abort.signal, onAbort)
      return {
        invocation: id,
        worker: placed.worker,
        placement: placed.receipt.placement,
        head,
        body: reading,
        end: end.promise,
        rest: rest.promise
      }
    } catch (err) {
      const error = toldOfWait(running, toCaresError(err))
      // A retryable failure means that nothing was done under this idempotency key: the next call with it runs anew.
      if (error.retryable) this.#components.book.clearKey(running.keyed?.key)
      this.#finish(running, { error })
      links[Symbol.dispose]()
      body.cancel()
      await messages?.return()
      throw error
    }
  }

  /** An answer of which nothing is missing: the call is over before its client has read a byte. */
  #complete(
    running: RunningCall,
    { worker, receipt: { placement } }: Placed,
    { head, whole, keep }: { head: AnswerHead; whole: WholeAnswer; keep: boolean }
  ): InvocationAnswer {
    if (keep) this.#components.book.keep(running.id, { head, body: whole.body })
    this.#finish(running, { usage: whole.end.usage })
    return { invocation: running.id, worker, placement, head, body: once(whole.body), end: Promise.resolve(whole.end), whole }
  }

  async *#body(
    running: RunningCall,
    messages: AsyncGenerator<AnswerDown, void>,
    { end, keep, onEnd }: { end: PromiseWithResolvers<{ usage: Usage }>; keep: boolean; onEnd: () => void }
  ): AsyncGenerator<Uint8Array, void> {
    let kept: Uint8Array[] | undefined = keep ? [] : undefined
    let keptBytes = 0
    let ended: Outcome | undefined
    try {
      for await (const message of messages) {
        if (message.type === 'answer-end') {
          ended = { usage: message.end.usage }
        } else if (message.type === 'body') {
          keptBytes += message.chunk.length
          if (keptBytes > RESULT_BYTES_EACH_MAX) kept = undefined
          kept?.push(message.chunk)
          yield message.chunk
        }
      }
    } catch (err) {
      const error = toCaresError(err)
      ended = { error }
      throw error
    } finally {
      const outcome = ended ?? { error: new CaresError('cancelled', 'the client stopped reading') }
      if (outcome.usage !== undefined && kept !== undefined && running.head !== undefined) {
        this.#components.book.keep(running.id, { head: running.head, body: Buffer.concat(kept) })
      }
      this.#finish(running, outcome)
      if (outcome.usage === undefined) end.reject(outcome.error)
      else end.resolve({ usage: outcome.usage })
      onEnd()
    }
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
