import { type LeaseTimes, WorkerSessions } from '../../core/tasks/leases.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { Transport } from '../../model/ports/transport.ts'
import {
  type AttemptHeld,
  type AttemptRef,
  type AttemptReport,
  currentAttempt,
  isOver,
  type TaskAnswer,
  type TaskChange,
  type TaskId,
  type TaskOrder,
  type TaskRecord,
  type TaskSession
} from '../../model/task.ts'
import type { TaskWhy } from '../../model/task-service.ts'
import type { Reserved } from '../calls/placer.ts'
import { SoonestAlarm } from '../soonest-alarm.ts'
import { askTask } from './ask-task.ts'
import { HeldRoom } from './held-room.ts'
import { Outbox } from './outbox.ts'
import { readOpen } from './read-open.ts'
import type { TaskPlacement } from './task-placement.ts'
import { TaskQueue, type TaskQueueComponents } from './task-queue.ts'
import { isNewer, pauseMs, progress } from './task-progress.ts'
import { ending, healthChanges, keyOf, refusal } from './task-changes.ts'
import { TaskReasons } from './task-reasons.ts'
import { TaskRetention } from './task-retention.ts'

/** Pause before changes that could not be agreed are tried again. */
const AGAIN_MS = 100
/** Tasks that no worker could take are tried again when a worker reports room, and at least this often. */
const WAITING_MS = 1_000
/** For this long, a worker that refused for want of room is not asked again: its statistics show that by then. */
const BUSY_MS = 500
/** Longest that a worker may take to acknowledge its orders. */
const DISPATCH_TIMEOUT_MS = 5_000

export interface TaskOrchestratorComponents extends Pick<TaskQueueComponents, 'order' | 'predictMs' | 'views'> {
  readonly store: TaskStore
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly place: (task: TaskRecord, exclude: readonly PeerId[]) => TaskPlacement
  /** Learns from an attempt that has brought a result. `sharing`: see `Placer.observe`. */
  readonly learn: (task: TaskRecord, worker: PeerId, sharing: number | undefined) => void
}

/** A task and where it goes. */
interface Assigned {
  readonly task: TaskRecord
  readonly worker: PeerId
  readonly session: TaskSession
  readonly reserved: Reserved
  readonly sharing: number
}

/**
 * What the orchestrator of one term does for tasks: gives each that is due to a worker (agreed before the worker is told), gives up the attempts
 * of workers that are lost, and records what they report. Begins with what the store holds, so it need not know what its predecessor did.
 */
export class TaskOrchestrator {
  readonly #components: TaskOrchestratorComponents
  readonly #term: Term
  readonly #sessions: WorkerSessions
  readonly #tasks = new Map<TaskId, TaskRecord>()
  readonly #queue: TaskQueue
  readonly #byWorker = new Map<PeerId, Map<TaskId, number>>()
  readonly #held = new HeldRoom()
  /** By attempt, how far it was expected to share its cores; see `Placer.sharing`. */
  readonly #sharing = new Map<string, number>()
  readonly #outbox = new Outbox(async (worker, orders) => this.#send(worker, orders))
  readonly #busyUntilMs = new Map<PeerId, number>()
  readonly #reasons: TaskReasons
  readonly #retention: TaskRetention
  readonly #over = new AbortController()
  /** For what no event will tell: lost sessions and due tasks. Every look finds out when the next is due. */
  readonly #alarm: SoonestAlarm
  #pumping: Promise<void> | undefined
  #isWoken = false

  constructor({ term, times }: { term: Term; times: LeaseTimes }, components: TaskOrchestratorComponents) {
    this.#components = components
    this.#term = term
    this.#sessions = new WorkerSessions(times, components.clock.nowMs())
    this.#queue = new TaskQueue(components)
    this.#reasons = new TaskReasons(components)
    this.#retention = new TaskRetention({ ...components, commit: async changes => this.#commit(changes) })
    this.#alarm = new SoonestAlarm(() => void this.#giveUpLost().then(() => this.wake()), components)
  }

  get term(): Term {
    return this.#term
  }

  /** Takes over every task that is not over. */
  async open(): Promise<void> {
    for (const task of await readOpen(this.#components, { term: this.#term, signal: this.#over.signal })) this.onTask(task)
    if (this.#over.signal.aborted) return
    void this.#retention.start()
    this.wake()
  }

  /** The term is over, or the peer stops: nothing more is decided. */
  async close(): Promise<void> {
    this.#over.abort(new CaresError('stale', 'this term is over', { retryable: true }))
    this.#outbox.close()
    this.#retention.stop()
    this.#alarm.stop()
    await this.#pumping
    this.#held.releaseAll()
  }

  /** Peers have told how they are: what they say of their room includes what they have taken before, and there may be some. */
  onViews(): void {
    this.#held.told(this.#components.views())
    this.wake()
  }

  /** There may be room where there was none. */
  wake(): void {
    this.#isWoken = true
    if (this.#over.signal.aborted || this.#queue.size === 0) return
    this.#pumping ??= this.#pump().finally(() => (this.#pumping = undefined))
  }

  /** A task has changed. What is older than what is known is left out: changes may come in another order than they were made. */
  onTask(task: TaskRecord): void {
    if (this.#over.signal.aborted) return
    const before = this.#tasks.get(task.id)
    if (before !== undefined && !isNewer(task, before)) return
    if (before !== undefined && progress(task) === progress(before)) return void this.#tasks.set(task.id, task)
    const [was, is] = [before === undefined ? undefined : currentAttempt(before), currentAttempt(task)]
    if (was !== undefined && was.attempt !== is?.attempt) this.#ended(task, was)
    if (is !== undefined) {
      attemptsOf(this.#byWorker, is.worker).set(task.id, is.attempt)
      this.#alarm.set(this.#sessions.heldUntilMs(is.worker, is.session))
    }
    if (isOver(task)) this.#tasks.delete(task.id)
    else this.#tasks.set(task.id, task)
    if (task.state === 'queued') {
      this.#delay(task.id, pauseMs(task))
      this.wake()
    } else {
      this.#queue.delete(task.id)
    }
  }

  /** A worker says that it is there, and what it has. */
  async onRenew(worker: PeerId, session: TaskSession, having: readonly AttemptHeld[]): Promise<TaskAnswer> {
    const isNew = this.#sessions.current(worker, this.#components.clock.nowMs()) !== session
    if (this.#sessions.renew(worker, session, this.#components.clock.nowMs()) === 'burned') return { type: 'burned' }
    if (isNew) {
      await this.#giveUpLost()
      this.wake()
    }
    this.#noteHealth(having.filter(ref => this.#isHeldBy(ref, worker, session)))
    const has = new Set(having.map(keyOf))
    const stop = having.filter(ref => !this.#isHeldBy(ref, worker, session))
    for (const [id, attempt] of this.#byWorker.get(worker) ?? []) {
      const task = this.#tasks.get(id)
      if (task === undefined || currentAttempt(task)?.session !== session || has.has(keyOf({ task: id, attempt }))) continue
      this.#outbox.add(worker, { task, attempt, session })
    }
    return { type: 'renewed', stop }
  }

  /** A worker says what attempts came to. Resolves when it is recorded, or came too late to count. */
  async onReport(reports: readonly AttemptReport[]): Promise<TaskAnswer> {
    const at = this.#components.clock.timestamp()
    await this.#commit(reports.map(report => ending(report, at)))
    return { type: 'recorded' }
  }

  /** Why a task is where it is, as far as is known here: reasons, oldest first, and the newest placement. */
  explain(id: TaskId): Pick<TaskWhy, 'reasons' | 'receipt'> {
    const isQueued = this.#tasks.get(id)?.state === 'queued'
    return { reasons: this.#reasons.of(id, { waiting: isQueued ? this.#queue.size : 0 }), receipt: this.#reasons.receiptOf(id) }
  }

  async #pump(): Promise<void> {
    const { log, clock } = this.#components
    while (this.#isWoken && !this.#over.signal.aborted) {
      // What changes together is told one after the other: all of it, before anything is chosen.
      await Promise.resolve()
      this.#isWoken = false
      const assigned = this.#choose()
      if (assigned.length === 0) continue
      const at = clock.timestamp()
      try {
        const outcomes = await this.#commit(
          assigned.map(({ task, worker, session }) => ({ type: 'assign', id: task.id, attempt: task.attempt + 1, worker, session, at }))
        )
        for (const [index, { task, worker, session, reserved, sharing }] of assigned.entries()) {
          const now = this.#tasks.get(task.id)
          const attempt = task.attempt + 1
          if (outcomes[index]?.type === 'refused' || now === undefined || now.attempt !== attempt || now.state !== 'running') {
            reserved.release()
            continue
          }
          const key = keyOf({ task: task.id, attempt })
          this.#held.hold(key, worker, reserved)
          this.#sharing.set(key, sharing)
          this.#outbox.add(worker, { task: now, attempt, session })
        }
        this.#isWoken = true
      } catch (err) {
        for (const { task, reserved } of assigned) {
          reserved.release()
          if (this.#tasks.get(task.id)?.state === 'queued') this.#delay(task.id, AGAIN_MS)
        }
        log.info({ code: toCaresError(err).code, tasks: assigned.length }, 'tasks could not be assigned yet')
      }
    }
  }

  #delay(id: TaskId, ms: number): void {
    const dueMs = this.#components.clock.nowMs() + ms
    this.#queue.set(id, dueMs)
    if (ms > 0) this.#alarm.set(dueMs)
  }

  /** Has it agreed how services are. Nobody waits for it: what is not agreed now comes with the next renewal. */
  #noteHealth(held: readonly AttemptHeld[]): void {
    const { clock, log } = this.#components
    const changes = healthChanges(held, this.#tasks, clock.timestamp())
    if (changes.length === 0) return
    this.#commit(changes).catch((err: unknown) => log.info({ code: toCaresError(err).code }, 'how services are is not agreed yet'))
  }

  /** As many due tasks as have a worker now, next ones first. They are not due any more. */
  #choose(): readonly Assigned[] {
    const { clock, place } = this.#components
    const nowMs = clock.nowMs()
    const peers = this.#components.views().map(({ profile }) => profile.id)
    const exclude = peers.filter(peer => this.#isShut(peer, nowMs))
    const chosen: Assigned[] = []
    const { misses, nextMs } = this.#queue.offer(this.#tasks, task => {
      const placement = place(task, exclude)
      this.#reasons.placed(task.id, placement)
      if (placement.worker === null) return false
      const { worker, reserved, sharing } = placement
      const session = this.#sessions.current(worker, nowMs)
      if (session === undefined) {
        reserved.release()
        return false
      }
      chosen.push({ task, worker, session, reserved, sharing })
      return true
    })
    const restedMs = misses > 0 ? this.#busyUntilMs.values().filter(untilMs => untilMs > nowMs) : []
    this.#alarm.set(Math.min(nextMs, misses > 0 ? nowMs + WAITING_MS : Number.POSITIVE_INFINITY, ...restedMs))
    return chosen
  }

  #isShut(peer: PeerId, nowMs: number): boolean {
    return this.#sessions.current(peer, nowMs) === undefined || (this.#busyUntilMs.get(peer) ?? 0) > nowMs
  }

  #isHeldBy({ task, attempt }: AttemptRef, worker: PeerId, session: TaskSession): boolean {
    const record = this.#tasks.get(task)
    const current = record === undefined ? undefined : currentAttempt(record)
    return current?.attempt === attempt && current.worker === worker && current.session === session
  }

  async #send(worker: PeerId, orders: readonly TaskOrder[]): Promise<void> {
    const { transport, clock, log } = this.#components
    try {
      const signal = AbortSignal.any([this.#over.signal, clock.timeout(DISPATCH_TIMEOUT_MS)])
      const answer = await askTask(transport, worker, { type: 'dispatch', term: this.#term, orders }, { signal })
      if (answer.type !== 'dispatched') return
      const refused = new Set(answer.refused.map(keyOf))
      const taken = orders.map(({ task: { id }, attempt }) => keyOf({ task: id, attempt })).filter(key => !refused.has(key))
      this.#held.taken(worker, taken, this.#components.views())
      await this.#onRefused(worker, answer.refused)
    } catch (err) {
      // Whether they arrived shows in what the worker says it has.
      if (!this.#over.signal.aborted) log.info({ code: toCaresError(err).code, worker, tasks: orders.length }, 'tasks may not have arrived')
    }
  }

  async #onRefused(worker: PeerId, refused: Extract<TaskAnswer, { type: 'dispatched' }>['refused']): Promise<void> {
    if (refused.length === 0) return
    const { clock } = this.#components
    this.#busyUntilMs.set(worker, clock.nowMs() + BUSY_MS)
    for (const { task, message } of refused) this.#reasons.add(task, `refused by ${worker}: ${message}`)
    const at = clock.timestamp()
    await this.#commit(refused.map(one => refusal(one, at)))
  }

  /** Gives up what lost workers had. Their sessions are burned first, so that none of them is renewed meanwhile. */
  async #giveUpLost(): Promise<void> {
    const { clock, log } = this.#components
    const nowMs = clock.nowMs()
    const changes: TaskChange[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const [worker, attempts] of this.#byWorker) {
      for (const [id, attempt] of attempts) {
        const task = this.#tasks.get(id)
        const session = task === undefined ? undefined : currentAttempt(task)?.session
        if (session === undefined) continue
        if (!this.#sessions.isLost(worker, session, nowMs)) {
          nextMs = Math.min(nextMs, this.#sessions.heldUntilMs(worker, session))
          continue
        }
        this.#sessions.burn(session)
        this.#reasons.add(id, `${worker} was lost with attempt ${attempt}`)
        const failure = { code: 'peer_lost', message: `the worker ${worker} was lost` } as const
        changes.push({ type: 'fail', id, attempt, failure, counts: true, final: false, at: clock.timestamp() })
      }
    }
    this.#alarm.set(changes.length === 0 ? nextMs : nowMs + AGAIN_MS)
    if (changes.length === 0) return
    log.warn({ tasks: changes.length }, 'tasks of lost workers are tried again')
    // Not agreed now: the next look finds them again.
    await this.#commit(changes).catch((err: unknown) => log.info({ code: toCaresError(err).code }, 'lost tasks not given up yet'))
  }

  /** An attempt is not under way any more: its room is free, and its worker is told if it may not know. */
  #ended(task: TaskRecord, { attempt, worker }: { attempt: number; worker: PeerId }): void {
    const { transport, clock, log } = this.#components
    this.#byWorker.get(worker)?.delete(task.id)
    const key = keyOf({ task: task.id, attempt })
    if (this.#held.release(key)) this.wake()
    const sharing = this.#sharing.get(key)
    this.#sharing.delete(key)
    if (task.state === 'succeeded') this.#components.learn(task, worker, sharing)
    if (task.state !== 'cancelled') return
    const signal = AbortSignal.any([this.#over.signal, clock.timeout(DISPATCH_TIMEOUT_MS)])
    askTask(transport, worker, { type: 'stop', term: this.#term, attempts: [{ task: task.id, attempt }] }, { signal }).catch(
      (err: unknown) => log.debug({ code: toCaresError(err).code, worker }, 'the worker learns of a cancelled task with its next renewal')
    )
  }

  async #commit(changes: readonly TaskChange[]): ReturnType<TaskStore['commit']> {
    return this.#components.store.commit(changes, { term: this.#term, signal: this.#over.signal })
  }
}

function attemptsOf(byWorker: Map<PeerId, Map<TaskId, number>>, worker: PeerId): Map<TaskId, number> {
  const attempts = byWorker.get(worker) ?? new Map<TaskId, number>()
  byWorker.set(worker, attempts)
  return attempts
}
