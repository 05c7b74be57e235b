import { CaresError } from '../../model/errors.ts'
import type { InvocationId, PeerId, Session } from '../../model/ids.ts'
import type { ExecuteDown, ExecuteUp, Order, Run } from '../../model/invocation.ts'
import type { PeerStats } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Runtime } from '../../model/ports/runtime.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Tracer } from '../../model/ports/tracer.ts'
import type { Channel } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import { AnswerBuffer } from './answer-buffer.ts'
import { carriedBy, endWorkerSpan, workerSpan } from './call-spans.ts'
import { type Execution, ExecutionIds } from './execution-ids.ts'
import { LostTime } from './lost-time.ts'
import { OrderBody } from './order-body.ts'
import { PauseMonitor } from './pause-monitor.ts'

/** How long an execution whose gateway was lost goes on, so that it can attach: it may have lost no more than the connection. */
const ORPHAN_GRACE_MS = 10_000

/** Errors that a runtime throws before anything of the function ran: the call may be placed elsewhere. */
const NOT_STARTED = new Set([
  'busy',
  'image_not_found',
  'image_unsupported',
  'runtime_unavailable',
  'peer_draining',
  'stopping',
  'stale',
  'withdrawn'
])

/**
 * From this share of time in which everything on the machine waits for memory, new work is refused: one more program would only slow down all others.
 * It is the share at which systemd-oomd begins to kill (`DefaultMemoryPressureLimit`); to refuse work is milder.
 */
const MEMORY_STALLED_RATIO_MAX = 0.6

/** A placer that has ordered nothing for so long needs no acknowledgement any more. */
const SEEN_ORDERS_KEPT_MS = 10_000
/** Normally one placer, the orchestrator; more only while gateways place by fallback. */
const SEEN_PLACERS_MAX = 16

type WorkChannel = Channel<ExecuteDown, ExecuteUp>

export interface WorkerInit {
  readonly self: PeerId
  readonly session: Session
}

export interface WorkerComponents {
  /** Null with `--no-work`. */
  readonly runtime: Runtime | null
  readonly clock: Clock
  readonly log: Logger
  /** The highest term that this peer knows. */
  readonly term: () => number
  /** Whether this peer was asked to take no new work. */
  readonly draining: () => boolean
  /** This peer's statistics now, which go with each refusal, for the placer. */
  readonly stats: () => PeerStats
  /** See `Pressure`. */
  readonly memoryStalledRatio: () => number
  /** An execution has ended: there is room for another, of which placers learn the sooner the better. */
  readonly onRoom: () => void
  /** An execution was cut short, and nobody reads its end: tells its gateway what it had used. */
  readonly onCut: (gateway: PeerId, invocation: InvocationId, run: Run) => void
  readonly tracer?: Tracer | undefined
}

/** Runs what gateways order, and keeps each answer until it has certainly arrived. Serves `/cares/execute`. */
export class Worker implements Startable {
  readonly #init: WorkerInit
  readonly #components: WorkerComponents
  readonly #ids: ExecutionIds
  readonly #pauses: PauseMonitor
  readonly #running = new Set<Promise<void>>()
  readonly #seenOrders = new Map<PeerId, { order: number; atMs: number }>()
  #stopping = false
  #succeeded = 0
  #failed = 0

  constructor(init: WorkerInit, components: WorkerComponents) {
    this.#init = init
    this.#components = components
    this.#ids = new ExecutionIds(components)
    this.#pauses = new PauseMonitor(components)
  }

  /** Whether this worker refuses new work because it is about to stop. */
  get isStopping(): boolean {
    return this.#stopping
  }

  /** Refuses new work from now on. */
  refuse(): void {
    this.#stopping = true
  }

  async start(): Promise<void> {
    this.#stopping = false
  }

  /** Refuses new work and waits for what runs; what still runs when the signal aborts is cancelled. */
  async drain({ signal }: { signal: AbortSignal }): Promise<void> {
    this.refuse()
    const cancelAll = (): void => {
      for (const { abort } of this.#ids.running()) abort.abort(new CaresError('stopping', 'the worker is stopping', { retryable: true }))
    }
    signal.addEventListener('abort', cancelAll, { once: true })
    if (signal.aborted) cancelAll()
    await Promise.all(this.#running)
    signal.removeEventListener('abort', cancelAll)
  }

  async stop(): Promise<void> {
    await this.drain({ signal: AbortSignal.abort() })
  }

  /** Counters of this session, and the order numbers that they include. */
  stats(): { running: number; succeeded: number; failed: number; seenOrders: Record<PeerId, number> } {
    const nowMs = this.#components.clock.nowMs()
    for (const [placer, { atMs }] of this.#seenOrders) if (nowMs - atMs > SEEN_ORDERS_KEPT_MS) this.#seenOrders.delete(placer)
    return {
      running: this.#ids.runningCount,
      succeeded: this.#succeeded,
      failed: this.#failed,
      seenOrders: Object.fromEntries([...this.#seenOrders].map(([placer, { order }]) => [placer, order]))
    }
  }

  /** Cancels an execution; false when it does not run here. */
  cancel(invocation: InvocationId): boolean {
    const execution = this.#ids.find(invocation)
    if (execution === undefined || execution.buffer.finished) return false
    execution.abort.abort(new CaresError('cancelled', 'the invocation was cancelled'))
    return true
  }

  /** Serves one exchange: an order, or an attach to an earlier one. */
  async serve(channel: WorkChannel): Promise<void> {
    const first = await channel.receive()
    if (first?.type === 'order') await this.#onOrder(channel, first.order)
    else if (first?.type === 'attach') await this.#onAttach(channel, first)
    else throw new CaresError('protocol', `an execution starts with an order or an attach, not with ${first?.type ?? 'an end'}`)
  }

  async #onOrder(channel: WorkChannel, order: Order): Promise<void> {
    const known = this.#ids.find(order.invocation)
    if (known !== undefined) {
      // A repeated order never starts a second execution: it gets the first one's answer.
      await this.#relay(channel, known, 0)
      return
    }
    if (this.#ids.isCompleted(order.invocation)) {
      await this.#answerCompleted(channel)
      return
    }
    const refusal = this.#refusal(order)
    if (refusal !== null) {
      // Statistics count from the start of a session: those of this one mean nothing to who orders from another.
      const stats = order.session === this.#init.session ? this.#components.stats() : undefined
      await channel.send({ type: 'failed', error: toRemoteError(refusal, { started: false }), stats })
      channel.end()
      return
    }
    this.#noteSeen(order)
    const { invocation, attempt } = order
    const execution: Execution = { invocation, round: attempt.round, buffer: new AnswerBuffer(), abort: new AbortController(), readers: 0 }
    this.#ids.register(execution)
    const body = new OrderBody(order, channel)
    const run = this.#run(execution, order, body, channel.remote).finally(() => {
      this.#running.delete(run)
      this.#components.onRoom()
    })
    this.#running.add(run)
    await this.#relay(channel, execution, 0)
    if (!body.isComing) return
    await run
    body.refuse()
  }

  #refusal(order: Order): CaresError | null {
    const { runtime, draining, term, memoryStalledRatio } = this.#components
    if (order.session !== this.#init.session) {
      return new CaresError('stale', `the order is for session ${order.session} of this worker, which is in session ${this.#init.session}`)
    }
    if (order.placement === 'orchestrator' && order.term < term()) {
      return new CaresError('stale', `the order is of term ${order.term}, and term ${term()} has begun`)
    }
    if (this.#ids.isWithdrawn(order.invocation, order.attempt.round)) {
      return new CaresError('withdrawn', 'this worker has promised not to run this attempt')
    }
    if (this.#stopping) return new CaresError('stopping', 'the worker is stopping', { retryable: true })
    if (runtime === null) return new CaresError('runtime_unavailable', 'this peer runs no functions (--no-work)')
    const { name, arch } = order.function
    if (arch !== undefined && arch !== runtime.arch) {
      return new CaresError('image_unsupported', `the image of ${name} is for ${arch}, and this machine is ${runtime.arch}`, {
        hint: 'build it for this platform, too (docker buildx build --platform …), or add a machine of that one'
      })
    }
    if (draining()) return new CaresError('peer_draining', 'the worker takes no new work', { retryable: true })
    if (memoryStalledRatio() >= MEMORY_STALLED_RATIO_MAX) {
      return new CaresError('busy', 'the machine does little else than wait for memory', {
        retryable: true,
        details: { resource: 'memory' }
      })
    }
    if (!this.#ids.hasRoom) return new CaresError('busy', 'answers that wait for their readers fill the memory', { retryable: true })
    return null
  }

  async #run(execution: Execution, order: Order, body: AsyncIterable<Uint8Array>, gateway: PeerId): Promise<void> {
    const { buffer, abort } = execution
    const { runtime, log } = this.#components
    if (runtime === null) throw new CaresError('internal', 'a worker without a runtime accepted an order')
    const { invocation, function: fn, head } = order
    // How long a WebSocket may be silent is the runtime's to watch; how long it may go on, its gateway has said.
    const timeoutMs = head.webSocket === true ? order.deadlineMs : Math.min(fn.timeoutMs, order.deadlineMs)
    const options = { signal: abort.signal, timeoutMs }
    const span = workerSpan(this.#components.tracer, order, gateway)
    using lostTime = new LostTime(this.#pauses, this.#components)
    let failed: Run | undefined
    try {
      const call = {
        invocation,
        head: carriedBy(span, head),
        body: order.body === undefined ? lostTime.passing(body) : body,
        inline: order.body,
        onFailed: (run: Run): void => {
          failed ??= { ...run, usage: lostTime.judged(run).usage }
        }
      }
      const answer = await runtime.execute(fn, call, options)
      if (answer.whole !== undefined) {
        this.#succeeded++
        if (span !== undefined) endWorkerSpan(span, { start: answer.head.start, usage: answer.whole.end.usage })
        buffer.complete(answer.head, { ...answer.whole, end: lostTime.judged(answer.whole.end) })
        if (answer.rest !== undefined) await answer.rest
        return
      }
      answer.end.catch(() => {}) // Awaited below; a body that throws first must not leave it unobserved.
      buffer.setHead(answer.head)
      for await (const chunk of answer.body) await lostTime.waiting(buffer.write(chunk, { signal: abort.signal }))
      const end = lostTime.judged(await answer.end)
      this.#succeeded++
      if (span !== undefined) endWorkerSpan(span, { start: answer.head.start, usage: end.usage })
      buffer.end(end)
      // What it reads after its answer is part of its execution, in nobody's way but its own.
      if (answer.rest !== undefined) await answer.rest
    } catch (err) {
      const cause: unknown = abort.signal.aborted ? abort.signal.reason : err
      const error = toRemoteError(cause, { started: true })
      span?.end(error)
      if (NOT_STARTED.has(error.code) && !abort.signal.aborted) {
        // Refused before it began: forget the id, so that a later attempt may come back to this worker.
        this.#ids.forget(execution)
        buffer.fail({ ...error, started: false })
        return
      }
      if (error.code === 'internal') log.error({ err, invocation, function: fn.name }, 'execution broke')
      this.#failed++
      buffer.fail(error, failed)
      if (execution.readers === 0 && failed !== undefined) this.#components.onCut(gateway, invocation, failed)
    } finally {
      log.debug({ invocation, function: fn.name, gateway, ...order.attempt }, 'execution ended')
      this.#ids.finished(execution)
    }
  }

  /** Sends an answer from byte `offset` on. A lost reader leaves the execution running for a while, a cancelling one ends it. */
  async #relay(channel: WorkChannel, execution: Execution, offset: number): Promise<void> {
    execution.readers++
    try {
      for await (const message of execution.buffer.read(offset, { signal: channel.signal })) {
        const isRefusal = message.type === 'failed' && !message.error.started
        await channel.send(isRefusal ? { ...message, stats: this.#components.stats() } : message)
      }
      channel.end()
    } catch (err) {
      if (!channel.signal.aborted) {
        await channel.send({ type: 'failed', error: toRemoteError(err, { started: true }) })
        channel.end()
      } else if (!execution.buffer.finished) {
        this.#onReaderGone(execution, channel.signal.reason)
      }
    } finally {
      execution.readers--
    }
  }

  #onReaderGone(execution: Execution, reason: unknown): void {
    const { clock, log } = this.#components
    if (reason instanceof CaresError && reason.code === 'peer_lost') {
      void clock
        .sleep(ORPHAN_GRACE_MS, { signal: execution.abort.signal })
        .then(() => {
          if (execution.readers > 0 || execution.buffer.finished) return
          execution.abort.abort(new CaresError('cancelled', 'the gateway was lost and nobody asked for the answer'))
        })
        .catch((err: unknown) => log.debug({ err }, 'orphan grace ended early'))
    } else if (execution.readers === 1) {
      execution.abort.abort(reason)
    }
  }

  async #onAttach(channel: WorkChannel, attach: Extract<ExecuteUp, { type: 'attach' }>): Promise<void> {
    const execution = this.#ids.find(attach.invocation)
    if (execution !== undefined) {
      await this.#relay(channel, execution, attach.offset)
      return
    }
    if (this.#ids.isCompleted(attach.invocation)) {
      await this.#answerCompleted(channel)
      return
    }
    this.#ids.withdraw(attach.invocation, attach.round)
    await channel.send({ type: 'unknown', session: this.#init.session })
    channel.end()
  }

  async #answerCompleted(channel: WorkChannel): Promise<void> {
    const error = new CaresError('peer_lost', 'the worker no longer keeps this answer', { details: { execution: 'completed' } })
    await channel.send({ type: 'failed', error: toRemoteError(error, { started: true }) })
    channel.end()
  }

  #noteSeen({ placer, order }: Order): void {
    const known = this.#seenOrders.get(placer)?.order ?? 0
    if (known === 0 && this.#seenOrders.size >= SEEN_PLACERS_MAX) return
    this.#seenOrders.set(placer, { order: Math.max(order, known), atMs: this.#components.clock.nowMs() })
  }
}
