import { CaresError, toCaresError } from '../../model/errors.ts'
import { type FunctionRecord, functionKey } from '../../model/function.ts'
import type { PeerId } from '../../model/ids.ts'
import type { CallToPlace, InvokeDown, InvokeUp, Placed, RemoteError } from '../../model/invocation.ts'
import type { Decision, Receipt } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Span, Tracer } from '../../model/ports/tracer.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import { AbortLinks } from '../abort-links.ts'
import { asAsked } from './as-asked.ts'
import { placerSpan } from './call-spans.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import type { Placer, Reserved } from './placer.ts'
import { Refusals } from './refusals.ts'
import { unplaceable } from './unplaceable.ts'
import { type Hold, WaitingLine } from './waiting-line.ts'

/** Calls that wait for room at one placer. At a few kB each this is a few MB. */
const WAITING_MAX = 1_000
/** A gateway ends its call at the deadline, or a little later. One that does not (it is frozen, or broken) is not waited for. */
const ABANDON_AFTER_MS = 2_000

/** A call, and the state of its placement. */
interface Call extends CallToPlace {
  /** Where calls are traced. */
  span: Span | undefined
  /** The receipt of the last placement, if that found no worker. */
  unplaced: Receipt | undefined
}
type GatewayChannel = Channel<InvokeDown, InvokeUp>

export interface OrchestratorComponents {
  readonly transport: Pick<Transport, 'self'>
  readonly placer: Pick<Placer, 'place' | 'reserve' | 'session' | 'couldFit' | 'couldEndInTime' | 'sharing' | 'observe' | 'correct'>
  readonly clock: Clock
  readonly events: EventLog
  readonly agreed: AgreedState
  readonly tracer?: Tracer | undefined
}

/** What is agreed, as far as an orchestrator must know it. */
export interface AgreedState {
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
  readonly placed: Placed
  readonly reservation: Reserved
  readonly hold: Hold
}

/**
 * Finds a place for each call, keeps the room there until the call's gateway says how it ended, and learns from that. It starts nothing itself, and no
 * body passes through it. Serves `/cares/invoke`: as orchestrator for everyone, in fallback for its own gateway.
 */
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
    const { clock, tracer } = this.#components
    const message = await channel.receive()
    if (message?.type !== 'call')
      throw new CaresError('protocol', `an invocation starts with a call, not with ${message?.type ?? 'an end'}`)
    const call: Call = { ...message, span: placerSpan(tracer, message), unplaced: undefined }
    using links = new AbortLinks()
    try {
      this.#checkMandate(channel, call)
      const endMs = clock.nowMs() + call.deadlineMs
      const deadline = new AbortController()
      links.add(channel.signal, reason => deadline.abort(reason))
      links.after(call.deadlineMs, () => deadline.abort(noRoomInTime()), { clock })
      const abandon = (): void => channel.abort(new CaresError('timeout', 'the gateway has not ended the call at its deadline'))
      links.after(call.deadlineMs + ABANDON_AFTER_MS, abandon, { clock })
      await this.#place(channel, call, { signal: deadline.signal, endMs })
    } catch (err) {
      call.span?.end(toCaresError(err))
      if (channel.signal.aborted) throw err
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }), receipt: call.unplaced })
    }
    channel.end()
  }

  #checkMandate(channel: GatewayChannel, call: Call): void {
    const { agreed, transport } = this.#components
    if (call.fallback) {
      if (channel.remote !== transport.self) throw new CaresError('protocol', 'a peer places by fallback only for itself')
    } else if (!agreed.isActive()) {
      throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', {
        retryable: true,
        details: { orchestrator: agreed.orchestrator() }
      })
    }
  }

  async #place(channel: GatewayChannel, call: Call, { signal, endMs }: { signal: AbortSignal; endMs: number }): Promise<void> {
    const { agreed, clock, placer, tracer } = this.#components
    let told = false
    /** The gateway is told that its call waits: not at all when it is placed at once. */
    const tell = async (): Promise<void> => {
      if (!told) await channel.send({ type: 'queued' })
      told = true
    }
    if (!agreed.hasApplied(call.minIndex)) {
      await tell()
      await agreed.applied(call.minIndex, { signal })
    }
    const fn = agreed.function(call.function)
    if (fn === undefined) throw new CaresError('not_found', `no function named ${call.function}`)
    const asked = asAsked(fn, call.asked)
    const refusals = new Refusals()
    const key = lineOf(fn, call)
    let place = this.#line.has(key) ? this.#line.join(key) : undefined
    let waits = place !== undefined
    try {
      for (let tries = 1; ; ) {
        if (place !== undefined && waits) {
          const turn = this.#line.turn(place, { endMs, signal })
          tell().catch(() => {}) // A channel that breaks says so by its signal.
          await turn
          refusals.forgive(clock.nowMs())
        }
        // Another peer may have been elected while this call waited: a deposed orchestrator places nothing new.
        this.#checkMandate(channel, call)
        const wanted = place === undefined ? call : { ...call, deadlineMs: Math.max(0, endMs - clock.nowMs()) }
        const receipt = placer.place(asked, wanted, { try: tries, exclude: refusals.excluded })
        const worker = receipt.decision.chosen
        call.unplaced = worker === null ? receipt : undefined
        if (worker === null) {
          if (!refusals.mayWait(receipt.decision, clock.nowMs()) || !placer.couldFit(asked, call.pinnedTo))
            throw unplaceable(asked, receipt.decision, {
              last: refusals.last,
              asked: call.asked,
              endsInTime: () => placer.couldEndInTime(asked, call)
            })
          place ??= this.#line.join(key)
          waits = true
          continue
        }
        if (place !== undefined) this.#line.served(place)
        const error = await this.#try(channel, call, fn, this.#reserve(worker, fn, call, receipt, key))
        if (error === undefined) return
        if (!refusals.add(worker, error, clock.nowMs())) {
          await channel.send({ type: 'failed', error })
          return
        }
        if (place !== undefined) this.#line.returned(place)
        waits = false
        told = false
        call.span = placerSpan(tracer, call)
        tries++
      }
    } finally {
      if (place !== undefined) this.#line.leave(place)
    }
  }

  /** Reserves the room for a try at once, before the gateway is told of it: what is placed in the same moment must see that the room is taken. */
  #reserve(worker: PeerId, fn: FunctionRecord, call: Call, receipt: Receipt, key: string): Try {
    const { placer } = this.#components
    const session = placer.session(worker)
    const reservation = placer.reserve(worker, fn, receipt)
    const placed: Placed = {
      worker,
      session,
      attempt: { round: call.round, try: receipt.try },
      term: receipt.term,
      order: reservation.order,
      receipt,
      ...(fn.revision === call.revision ? {} : { function: fn })
    }
    return { placed, reservation, hold: this.#line.hold(key) }
  }

  /** Tells the gateway of the worker, and keeps the room until it says how that ended: undefined, or the refusal of the worker. */
  async #try(
    channel: GatewayChannel,
    call: Call,
    fn: FunctionRecord,
    { placed, reservation, hold }: Try
  ): Promise<RemoteError | undefined> {
    const { worker, attempt, receipt } = placed
    try {
      await channel.send({ type: 'placed', ...placed })
      const costMs = costOf(receipt.decision)
      call.span?.note('placed', { 'cares.peer.id': worker, 'cares.try': attempt.try, 'cares.cost_ms': costMs })
      call.span?.end()
      this.#components.events.emit('invocation:placed', {
        invocation: call.invocation,
        function: fn.name,
        worker,
        placement: receipt.placement,
        costMs,
        ...attempt
      })
      return this.#settle(await outcomeOf(channel, placed), { fn, placed, hold })
    } finally {
      reservation.release()
      hold[Symbol.dispose]()
    }
  }

  /**
   * Takes note of how a try ended. What stood still, or lasted as long as somebody stayed, says nothing of the next call. Nothing is learned of work
   * that failed, either: it tells only that a good run takes more than the time or the memory at which this one was stopped, and the predictor takes
   * each sample for what a whole run took. The gateway counts what it has cost.
   */
  #settle(
    outcome: Outcome,
    { fn, placed: { worker, session, receipt }, hold }: Pick<Try, 'placed' | 'hold'> & { fn: FunctionRecord }
  ): RemoteError | undefined {
    const { placer } = this.#components
    if (outcome.type === 'refused') {
      hold.wasNone()
      if (outcome.stats !== undefined) placer.correct(worker, session, outcome.stats)
      return outcome.error
    }
    const { run, untypical } = outcome
    if (untypical || run?.usage.disturbed === true) return undefined
    hold.wasTypical()
    if (run !== undefined) placer.observe(fn, worker, { ...run, sharing: placer.sharing(receipt), params: receipt.params })
    return undefined
  }
}

/** Calls wait in line behind those that want the same of the cluster. */
function lineOf(fn: FunctionRecord, { pinnedTo, asked }: CallToPlace): string {
  const key = pinnedTo === undefined ? functionKey(fn) : `${functionKey(fn)} on ${pinnedTo}`
  return asked === undefined ? key : `${key} with ${JSON.stringify(asked)}`
}

type Outcome = Exclude<InvokeUp, { type: 'call' }>

/** What the gateway says of how the work ended that it was told to order. */
async function outcomeOf(channel: GatewayChannel, { attempt }: Placed): Promise<Outcome> {
  const message = await channel.receive()
  if (message === undefined) throw new CaresError('protocol', 'a gateway ended a call without a word of how')
  if (message.type === 'call' || message.attempt.round !== attempt.round || message.attempt.try !== attempt.try) {
    throw new CaresError('protocol', `expected the end of ${attempt.round}.${attempt.try}, not another ${message.type}`)
  }
  return message
}

function costOf({ chosen, verdicts }: Decision): number {
  const verdict = verdicts.find(({ peer }) => peer === chosen)
  return verdict?.fits === true ? verdict.cost.total : 0
}

function noRoomInTime(): CaresError {
  return new CaresError('timeout', 'the call found no room before its deadline', { retryable: true, details: { retryAfterMs: 1_000 } })
}
