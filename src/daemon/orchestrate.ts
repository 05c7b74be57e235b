import { CaresError, toCaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey } from '../model/function.ts'
import type { Attempt, PeerId, Session } from '../model/ids.ts'
import type { AnswerEnd, AnswerHead, ExecuteDown, ExecuteUp, InvokeDown, InvokeUp, RemoteError } from '../model/invocation.ts'
import type { Decision, Receipt } from '../model/placement.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Span, Tracer } from '../model/ports/tracer.ts'
import type { Channel, Transport } from '../model/ports/transport.ts'
import { toRemoteError } from '../model/remote-error.ts'
import { AbortLinks } from './abort-links.ts'
import { carriedBy, placerSpan } from './call-spans.ts'
import type { EventLog } from './event-log.ts'
import { openWithin } from './open-within.ts'
import { type Placer, type Reserved, wasClean } from './placer.ts'
import { isWorthWaiting, unplaceable } from './unplaceable.ts'
import { WaitingLine } from './waiting-line.ts'
import { isOpen } from './web-sockets.ts'

/** Workers that are tried for one round before the last refusal is the answer. */
const TRIES_MAX = 3
/** Calls that wait for room at one placer. At a few kB each this is a few MB. */
const WAITING_MAX = 1_000
/** A gateway ends its call at the deadline, or a little later. One that does not (it is frozen, or broken) is not waited for. */
const ABANDON_AFTER_MS = 2_000
/** A connected worker answers an opening at once; a silent one is not worth more. */
const OPEN_TIMEOUT_MS = 2_000

/** A call, and where calls are traced, what is told of it. */
type Call = Extract<InvokeUp, { type: 'call' }> & { readonly span?: Span | undefined }
type GatewayChannel = Channel<InvokeDown, InvokeUp>
type WorkerChannel = Channel<ExecuteUp, ExecuteDown>

export interface OrchestratorComponents {
  readonly transport: Transport
  readonly placer: Pick<Placer, 'place' | 'reserve' | 'session' | 'couldFit' | 'observe' | 'correct'>
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventLog
  /** Where this peer stands in the cluster. */
  readonly office: Office
  readonly tracer?: Tracer | undefined
}

/** What an orchestrator must know of consensus and registry. */
export interface Office {
  /** Whether this peer may decide: it leads, and its own first entry is applied. */
  isActive(): boolean
  orchestrator(): PeerId | null
  function(name: string): FunctionRecord | undefined
  /** Whether the log is applied here up to `index`. */
  hasApplied(index: number): boolean
  /** Resolves once it is. */
  applied(index: number, options: { signal: AbortSignal }): Promise<void>
}

/** One try of a worker. */
interface Try {
  readonly worker: PeerId
  readonly session: Session
  readonly attempt: Attempt
  readonly receipt: Receipt
  readonly reservation: Reserved
  readonly signal: AbortSignal
  /** The call's deadline, on this peer's clock. */
  readonly endMs: number
}

/** How one try of a worker ended. */
type TryEnd =
  /** The answer went to the gateway, or the call is over for another reason. */
  | { readonly type: 'done'; readonly untypical?: boolean }
  /** The worker has promised that nothing started. */
  | { readonly type: 'refused'; readonly error: RemoteError }

/** Places calls on workers and relays the answers. Serves `/cares/invoke`: for everyone in office, for its own gateway in fallback. */
export class Orchestrator {
  readonly #components: OrchestratorComponents
  readonly #line: WaitingLine

  constructor(components: OrchestratorComponents) {
    this.#components = components
    this.#line = new WaitingLine({ lengthMax: WAITING_MAX }, components)
  }

  /** Calls that wait for room. */
  get waiting(): number {
    return this.#line.length
  }

  /** Some peer may have room now. */
  onRoom(): void {
    this.#line.wake()
  }

  async serve(channel: GatewayChannel): Promise<void> {
    const call = await channel.receive()
    if (call?.type !== 'call') throw new CaresError('protocol', `an invocation starts with a call, not with ${call?.type ?? 'an end'}`)
    const span = placerSpan(this.#components.tracer, call)
    using links = new AbortLinks()
    try {
      this.#checkMandate(channel, call)
      const { clock } = this.#components
      const endMs = clock.nowMs() + call.deadlineMs
      const deadline = new AbortController()
      links.add(channel.signal, reason => deadline.abort(reason))
      links.after(call.deadlineMs, () => deadline.abort(noRoomInTime()), { clock })
      const abandon = (): void => channel.abort(new CaresError('timeout', 'the gateway has not ended the call at its deadline'))
      links.after(call.deadlineMs + ABANDON_AFTER_MS, abandon, { clock })
      const traced = span === undefined ? call : { ...call, head: carriedBy(span, call.head), span }
      await this.#place(channel, traced, { signal: deadline.signal, endMs })
    } catch (err) {
      span?.end(toCaresError(err))
      if (channel.signal.aborted) throw err
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }) })
    }
    span?.end()
    channel.end()
  }

  #checkMandate(channel: GatewayChannel, call: Call): void {
    const { office, transport } = this.#components
    if (call.fallback) {
      if (channel.remote !== transport.self) throw new CaresError('protocol', 'a peer places by fallback only for itself')
    } else if (!office.isActive()) {
      throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', {
        retryable: true,
        details: { orchestrator: office.orchestrator() }
      })
    }
  }

  async #place(channel: GatewayChannel, call: Call, { signal, endMs }: { signal: AbortSignal; endMs: number }): Promise<void> {
    const { office } = this.#components
    let told = false
    /** The gateway is told that its call waits: not at all when it is placed at once. */
    const tell = async (): Promise<void> => {
      if (!told) await channel.send({ type: 'queued' })
      told = true
    }
    if (!office.hasApplied(call.minIndex)) {
      await tell()
      await office.applied(call.minIndex, { signal })
    }
    const fn = office.function(call.function)
    if (fn === undefined) throw new CaresError('not_found', `no function named ${call.function}`)
    const refused = new Map<PeerId, RemoteError>()
    const key = call.pinnedTo === undefined ? functionKey(fn) : `${functionKey(fn)} on ${call.pinnedTo}`
    let place = this.#line.has(key) ? this.#line.join(key) : undefined
    let waits = place !== undefined
    try {
      for (let tries = 1; ; ) {
        if (place !== undefined && waits) {
          const turn = this.#line.turn(place, { endMs, signal })
          tell().catch(() => {}) // A channel that breaks says so by its signal.
          await turn
          for (const [peer, { code }] of refused) if (code === 'busy') refused.delete(peer)
        }
        // Another peer may have been elected while this call waited: a deposed orchestrator places nothing new.
        this.#checkMandate(channel, call)
        const receipt = this.#components.placer.place(fn, call, { try: tries, exclude: [...refused.keys()] })
        const worker = receipt.decision.chosen
        if (worker === null) {
          const last = [...refused.values()].at(-1)
          if (!isWorthWaiting(receipt.decision, refused) || !this.#components.placer.couldFit(fn, call.pinnedTo))
            throw unplaceable(fn, receipt.decision, last)
          place ??= this.#line.join(key)
          waits = true
          continue
        }
        if (place !== undefined) this.#line.served(place)
        const attempt = this.#prepare(worker, fn, call, { receipt, tries, signal, endMs })
        using hold = this.#line.hold(key)
        const end = await this.#try(channel, call, fn, attempt)
        if (end.type === 'done') return end.untypical === true ? hold.wasUntypical() : undefined
        // A withdrawn attempt belongs to a gateway that has gone on without this placer.
        if (end.error.code === 'withdrawn' || (tries >= TRIES_MAX && end.error.code !== 'busy')) {
          await channel.send({ type: 'failed', error: end.error })
          return
        }
        hold.wasNone()
        if (place !== undefined) this.#line.returned(place)
        waits = false
        refused.set(worker, end.error)
        tries++
      }
    } finally {
      if (place !== undefined) this.#line.leave(place)
    }
  }

  /** Enters a try in the books at once: what is placed in the same moment must see it, though the gateway is still to be told. */
  #prepare(
    worker: PeerId,
    fn: FunctionRecord,
    call: Call,
    { receipt, tries, ...rest }: { receipt: Receipt; tries: number; signal: AbortSignal; endMs: number }
  ): Try {
    const { placer } = this.#components
    const session = placer.session(worker)
    const reservation = placer.reserve(worker, fn, receipt)
    return { worker, session, attempt: { round: call.round, try: tries }, receipt, reservation, ...rest }
  }

  /** Tells the gateway of the worker, waits for its acknowledgement, and only then gives the order. */
  async #try(channel: GatewayChannel, call: Call, fn: FunctionRecord, attempted: Try): Promise<TryEnd> {
    const { worker, session, attempt, receipt, reservation } = attempted
    try {
      await channel.send({ type: 'placed', worker, session, attempt, term: receipt.term, receipt })
      await acknowledged(channel, attempt)
      call.span?.note('placed', { 'cares.peer.id': worker, 'cares.try': attempt.try, 'cares.cost_ms': costOf(receipt.decision) })
      this.#components.events.emit('invocation:placed', {
        invocation: call.invocation,
        function: fn.name,
        worker,
        placement: receipt.placement,
        costMs: costOf(receipt.decision),
        ...attempt
      })
      return await this.#dispatch(channel, call, fn, attempted)
    } finally {
      reservation.release()
    }
  }

  async #dispatch(
    channel: GatewayChannel,
    call: Call,
    fn: FunctionRecord,
    { worker, session, attempt, receipt, reservation, signal, endMs }: Try
  ): Promise<TryEnd> {
    const { transport, clock, log } = this.#components
    let lane: WorkerChannel
    try {
      lane = await openWithin(transport, 'execute', worker, { ms: OPEN_TIMEOUT_MS, clock, signal })
    } catch (err) {
      signal.throwIfAborted()
      log.debug({ err, worker }, 'worker not reached')
      return { type: 'refused', error: toRemoteError(err, { started: false }) }
    }
    using links = new AbortLinks()
    links.add(channel.signal, reason => lane.abort(reason as Error))
    try {
      await lane.send({
        type: 'order',
        order: {
          invocation: call.invocation,
          attempt,
          placement: receipt.placement,
          term: receipt.term,
          session,
          order: reservation.order,
          gateway: channel.remote,
          function: fn,
          head: call.head,
          deadlineMs: Math.max(1, Math.ceil(endMs - clock.nowMs())),
          body: call.body
        }
      })
      return await this.#relay(channel, lane, { fn, worker, session, call, receipt })
    } catch (err) {
      if (channel.signal.aborted) throw channel.signal.reason
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: true }) })
      return { type: 'done', untypical: true }
    }
  }

  /** Passes the worker's messages on until the last one. Throws when the worker is lost. */
  async #relay(
    channel: GatewayChannel,
    lane: WorkerChannel,
    { fn, worker, session, call, receipt }: { fn: FunctionRecord; worker: PeerId; session: Session; call: Call; receipt: Receipt }
  ): Promise<TryEnd> {
    let upload: Promise<void> | undefined
    let head: AnswerHead | undefined
    try {
      while (true) {
        const message = await lane.receive()
        if (message === undefined) throw new CaresError('peer_lost', 'the worker ended the exchange without an answer')
        switch (message.type) {
          case 'accepted':
            await channel.send(message)
            upload = passBody(channel, lane)
            upload.catch((err: unknown) => lane.abort(err as Error))
            break
          case 'failed':
            if (message.stats !== undefined) this.#components.placer.correct(worker, session, message.stats)
            // Once the body is on its way here, only the gateway can send it again.
            if (!message.error.started && upload === undefined) return { type: 'refused', error: message.error }
            await channel.send(message)
            return { type: 'done' }
          case 'answer':
            head = message.head
            await channel.send(message)
            if (message.whole === undefined) break
            return this.#learn(head, message.whole.end, { fn, worker, receipt })
          case 'body':
            await channel.send(message)
            break
          case 'answer-end':
            await channel.send(message)
            return head === undefined ? { type: 'done' } : this.#learn(head, message.end, { fn, worker, receipt })
          case 'unknown':
            throw new CaresError('protocol', `the worker answered order ${call.invocation} as if it were an attach`)
        }
      }
    } finally {
      lane.end()
      upload?.catch(() => {}) // A function may answer without reading all of its input: the rest is of no use to anybody.
    }
  }

  /** What stood still, or lasted as long as somebody stayed, says nothing of the next call. */
  #learn(head: AnswerHead, { usage }: AnswerEnd, placed: { fn: FunctionRecord; worker: PeerId; receipt: Receipt }): TryEnd {
    const { fn, worker, receipt } = placed
    if (isOpen(head) || usage.disturbed === true) return { type: 'done', untypical: true }
    this.#components.placer.observe(fn, worker, { start: head.start, usage, clean: wasClean(receipt), params: receipt.params })
    return { type: 'done' }
  }
}

async function acknowledged(channel: GatewayChannel, attempt: Attempt): Promise<void> {
  const message = await channel.receive()
  if (message?.type !== 'placed-ack' || message.attempt.round !== attempt.round || message.attempt.try !== attempt.try) {
    throw new CaresError('protocol', `expected the acknowledgement of ${attempt.round}.${attempt.try}, not ${message?.type ?? 'an end'}`)
  }
}

async function passBody(from: GatewayChannel, to: WorkerChannel): Promise<void> {
  while (true) {
    const message = await from.receive()
    if (message === undefined) throw new CaresError('protocol', 'the request body ended without its end mark')
    if (message.type !== 'body' && message.type !== 'end') throw new CaresError('protocol', `a request body cannot hold ${message.type}`)
    await to.send(message)
    if (message.type === 'end') return
  }
}

function costOf({ chosen, verdicts }: Decision): number {
  const verdict = verdicts.find(({ peer }) => peer === chosen)
  return verdict?.fits === true ? verdict.cost.total : 0
}

function noRoomInTime(): CaresError {
  return new CaresError('timeout', 'the call found no room before its deadline', { retryable: true, details: { retryAfterMs: 1_000 } })
}
