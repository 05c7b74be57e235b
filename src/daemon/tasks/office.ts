import { type LeaseTimes, WorkerSessions } from '../../core/tasks/leases.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { PeerView } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { Transport } from '../../model/ports/transport.ts'
import {
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
import type { Reserved } from '../placer.ts'
import { askTask } from './ask-task.ts'
import { Outbox } from './outbox.ts'
import type { TaskPlacement } from './task-placement.ts'
import { pauseMs, progress } from './task-progress.ts'

/** Between two tries of what could not be agreed. */
const AGAIN_MS = 100
/** Tasks that nobody could have are tried when a worker says that it has room; and so often, should that say nothing. */
const WAITING_MS = 1_000
/** Between two tries to read the tasks at the beginning of an office. */
const OPEN_AGAIN_MS = 1_000
/** Tasks that one round assigns: they share one commit. */
const ROUND_MAX = 256
/** A round ends after so many tasks that nobody could have: the rest would most likely fare no better, and each costs a placement. */
const MISSES_MAX = 32
/** A worker that had no room is not asked again for so long: its statistics tell by then. */
const BUSY_MS = 500
/** Longest that a worker may take to say that it has its orders. */
const DISPATCH_TIMEOUT_MS = 5_000
/** Tasks whose newest placements can be explained. */
const REASONS_KEPT = 10_000
/** How long what is over is remembered, and how often what is older is forgotten. */
const RETENTION_MS = 7 * 86_400_000
const EXPIRE_EVERY_MS = 3_600_000

export interface OfficeComponents {
  readonly store: TaskStore
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly place: (task: TaskRecord, exclude: readonly PeerId[]) => TaskPlacement
  /** Peers that are known, to leave out those that have no session. */
  readonly views: () => readonly PeerView[]
}

/** What is held of a worker's room for an attempt, until it shows in the worker's own words. */
interface Held {
  readonly worker: PeerId
  readonly reserved: Reserved
  /** The number of the worker's newest words when it took the attempt; null before it has. */
  takenAt: number | null
}

/**
 * What the orchestrator of one term does for tasks: gives each that is due to a worker (agreed before the worker is told), gives up the attempts
 * of workers that are lost, and records what they report. Begins with what the store holds, so it need not know what its predecessor did.
 */
export class Office {
  readonly #components: OfficeComponents
  readonly #term: Term
  readonly #sessions: WorkerSessions
  readonly #tasks = new Map<TaskId, TaskRecord>()
  /** When each queued task may be tried, in order of submission. */
  readonly #due = new Map<TaskId, number>()
  readonly #byWorker = new Map<PeerId, Map<TaskId, number>>()
  readonly #held = new Map<string, Held>()
  /** Of `#held`, those that their workers have taken. */
  readonly #taken = new Set<string>()
  readonly #outbox = new Outbox(async (worker, orders) => this.#send(worker, orders))
  readonly #busyUntilMs = new Map<PeerId, number>()
  readonly #reasons = new Map<TaskId, string[]>()
  readonly #over = new AbortController()
  #expiry: Disposable | undefined
  /** Rings when something is due that no event will tell. */
  #alarm: Disposable | undefined
  #ringsAtMs = Number.POSITIVE_INFINITY
  #pumping: Promise<void> | undefined
  #isWoken = false

  constructor({ term, times }: { term: Term; times: LeaseTimes }, components: OfficeComponents) {
    this.#components = components
    this.#term = term
    this.#sessions = new WorkerSessions(times, components.clock.nowMs())
  }

  get term(): Term {
    return this.#term
  }

  /** Takes over every task that is not over. */
  async open(): Promise<void> {
    const { clock } = this.#components
    for (const task of await this.#readOpen()) this.onTask(task)
    if (this.#over.signal.aborted) return
    this.#expiry = clock.every(EXPIRE_EVERY_MS, () => this.#expire())
    this.wake()
  }

  /** Until it can: a database may be away for a while. Nothing, when the term ends first. */
  async #readOpen(): Promise<readonly TaskRecord[]> {
    const { store, clock, log } = this.#components
    const { signal } = this.#over
    while (!signal.aborted) {
      try {
        return await store.open({ term: this.#term })
      } catch (err) {
        if (toCaresError(err).code === 'stale') return []
        log.warn({ code: toCaresError(err).code }, 'the tasks cannot be taken over yet')
        await clock.sleep(OPEN_AGAIN_MS, { signal }).catch(() => {}) // The loop ends by itself.
      }
    }
    return []
  }

  /** The term is over, or the peer stops: nothing more is decided. */
  async close(): Promise<void> {
    this.#over.abort(new CaresError('stale', 'this term of office is over', { retryable: true }))
    this.#outbox.close()
    this.#expiry?.[Symbol.dispose]()
    this.#alarm?.[Symbol.dispose]()
    await this.#pumping
    for (const { reserved } of this.#held.values()) reserved.release()
    this.#held.clear()
    this.#taken.clear()
  }

  /** Peers have told how they are: what they say of their room includes what they have taken before, and there may be some. */
  onViews(): void {
    if (this.#taken.size > 0) {
      const told = new Map(this.#components.views().map(({ profile, stats }) => [profile.id, stats.seq]))
      for (const key of this.#taken) {
        const held = this.#held.get(key)
        if (held !== undefined && told.get(held.worker) === held.takenAt) continue
        held?.reserved.release()
        this.#held.delete(key)
        this.#taken.delete(key)
      }
    }
    this.wake()
  }

  /** There may be room where there was none. */
  wake(): void {
    this.#isWoken = true
    if (this.#over.signal.aborted || this.#due.size === 0) return
    this.#pumping ??= this.#pump().finally(() => (this.#pumping = undefined))
  }

  /** A task has changed. What is older than what is known is left out: changes may come in another order than they were made. */
  onTask(task: TaskRecord): void {
    if (this.#over.signal.aborted) return
    const before = this.#tasks.get(task.id)
    if (before !== undefined && progress(task) <= progress(before)) return
    const [was, is] = [before === undefined ? undefined : currentAttempt(before), currentAttempt(task)]
    if (was !== undefined && was.attempt !== is?.attempt) this.#ended(task, was)
    if (is !== undefined) {
      attemptsOf(this.#byWorker, is.worker).set(task.id, is.attempt)
      this.#lookAt(this.#sessions.heldUntilMs(is.worker, is.session))
    }
    if (isOver(task)) this.#tasks.delete(task.id)
    else this.#tasks.set(task.id, task)
    if (task.state === 'queued') {
      this.#delay(task.id, pauseMs(task))
      this.wake()
    } else {
      this.#due.delete(task.id)
    }
  }

  /** A worker says that it is there, and what it has. */
  async onRenew(worker: PeerId, session: TaskSession, having: readonly AttemptRef[]): Promise<TaskAnswer> {
    const isNew = this.#sessions.current(worker, this.#components.clock.nowMs()) !== session
    if (this.#sessions.renew(worker, session, this.#components.clock.nowMs()) === 'burned') return { type: 'burned' }
    if (isNew) {
      await this.#giveUpLost()
      this.wake()
    }
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
    await this.#commit(
      reports.map(({ task, attempt, end }): TaskChange => {
        if (end.type === 'succeeded') return { type: 'complete', id: task, attempt, result: end.result, at }
        const { failure, counts, final } = end
        return { type: 'fail', id: task, attempt, failure, counts, final, at }
      })
    )
    return { type: 'recorded' }
  }

  /** Why a task is where it is, as far as this office has had to do with it; oldest first. */
  explain(id: TaskId): readonly string[] {
    return this.#reasons.get(id) ?? []
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
        for (const [index, { task, worker, session, reserved }] of assigned.entries()) {
          const now = this.#tasks.get(task.id)
          const attempt = task.attempt + 1
          if (outcomes[index]?.type === 'refused' || now === undefined || now.attempt !== attempt || now.state !== 'running') {
            reserved.release()
            continue
          }
          this.#held.set(keyOf({ task: task.id, attempt }), { worker, reserved, takenAt: null })
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
    this.#due.set(id, dueMs)
    if (ms > 0) this.#lookAt(dueMs)
  }

  /** Looks after lost sessions and due tasks at that time or before; every look finds out when the next is due. */
  #lookAt(atMs: number): void {
    const { clock } = this.#components
    if (atMs >= this.#ringsAtMs || this.#over.signal.aborted) return
    this.#alarm?.[Symbol.dispose]()
    this.#ringsAtMs = atMs
    // A millisecond late: at the very end of its time, nothing is over yet.
    this.#alarm = clock.after(Math.max(0, atMs - clock.nowMs()) + 1, () => void this.#look())
  }

  async #look(): Promise<void> {
    this.#ringsAtMs = Number.POSITIVE_INFINITY
    await this.#giveUpLost()
    this.wake()
  }

  /** As many due tasks as have a worker now. They are not due any more. */
  #choose(): readonly { task: TaskRecord; worker: PeerId; session: TaskSession; reserved: Reserved }[] {
    const { clock, place } = this.#components
    const nowMs = clock.nowMs()
    const peers = this.#components.views().map(({ profile }) => profile.id)
    const exclude = peers.filter(peer => this.#isShut(peer, nowMs))
    const chosen = []
    let misses = 0
    let nextMs = Number.POSITIVE_INFINITY
    for (const [id, dueMs] of this.#due) {
      if (chosen.length >= ROUND_MAX || misses >= MISSES_MAX) break
      const task = this.#tasks.get(id)
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs)
      if (dueMs > nowMs || task === undefined) continue
      const placement = place(task, exclude)
      this.#explain(id, placement.reason)
      if (placement.worker === null) {
        misses++
        continue
      }
      const { worker, reserved } = placement
      const session = this.#sessions.current(worker, nowMs)
      if (session === undefined) {
        reserved.release()
        continue
      }
      this.#due.delete(id)
      chosen.push({ task, worker, session, reserved })
    }
    if (misses > 0) {
      const restedMs = this.#busyUntilMs.values().filter(untilMs => untilMs > nowMs)
      nextMs = Math.min(nextMs, nowMs + WAITING_MS, ...restedMs)
    }
    this.#lookAt(nextMs)
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
      const seq = this.#components.views().find(({ profile }) => profile.id === worker)?.stats.seq ?? 0
      for (const { task, attempt } of orders) {
        const key = keyOf({ task: task.id, attempt })
        const held = refused.has(key) ? undefined : this.#held.get(key)
        if (held === undefined) continue
        held.takenAt = seq
        this.#taken.add(key)
      }
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
    for (const { task, message } of refused) this.#explain(task, `refused by ${worker}: ${message}`)
    const at = clock.timestamp()
    await this.#commit(
      refused.map(({ task, attempt, code, message }) => {
        return { type: 'fail', id: task, attempt, failure: { code, message }, counts: false, final: false, at }
      })
    )
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
        this.#explain(id, `${worker} was lost with attempt ${attempt}`)
        const failure = { code: 'peer_lost', message: `the worker ${worker} was lost` } as const
        changes.push({ type: 'fail', id, attempt, failure, counts: true, final: false, at: clock.timestamp() })
      }
    }
    this.#lookAt(changes.length === 0 ? nextMs : nowMs + AGAIN_MS)
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
    const held = this.#held.get(key)
    if (held !== undefined) {
      held.reserved.release()
      this.#held.delete(key)
      this.#taken.delete(key)
      this.wake()
    }
    if (task.state !== 'cancelled') return
    const signal = AbortSignal.any([this.#over.signal, clock.timeout(DISPATCH_TIMEOUT_MS)])
    askTask(transport, worker, { type: 'stop', term: this.#term, attempts: [{ task: task.id, attempt }] }, { signal }).catch(
      (err: unknown) => log.debug({ code: toCaresError(err).code, worker }, 'the worker learns of a cancelled task with its next renewal')
    )
  }

  async #expire(): Promise<void> {
    const { clock, log } = this.#components
    const at = clock.timestamp()
    const before = new Date(Date.parse(at) - RETENTION_MS).toISOString()
    await this.#commit([{ type: 'expire', before, at }]).catch((err: unknown) => log.info({ err }, 'old tasks not forgotten yet'))
  }

  async #commit(changes: readonly TaskChange[]): ReturnType<TaskStore['commit']> {
    return this.#components.store.commit(changes, { term: this.#term, signal: this.#over.signal })
  }

  #explain(id: TaskId, reason: string): void {
    const { clock } = this.#components
    const reasons = this.#reasons.get(id) ?? []
    if (reasons.at(-1)?.endsWith(reason) === true) return
    this.#reasons.delete(id)
    this.#reasons.set(id, [...reasons.slice(-9), `${clock.timestamp()} ${reason}`])
    if (this.#reasons.size > REASONS_KEPT) for (const oldest of this.#reasons.keys().take(1)) this.#reasons.delete(oldest)
  }
}

function keyOf({ task, attempt }: AttemptRef): string {
  return `${task} ${attempt}`
}

function attemptsOf(byWorker: Map<PeerId, Map<TaskId, number>>, worker: PeerId): Map<TaskId, number> {
  const attempts = byWorker.get(worker) ?? new Map<TaskId, number>()
  byWorker.set(worker, attempts)
  return attempts
}
