import type { LeaseTimes } from '../../core/tasks/leases.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Runtime } from '../../model/ports/runtime.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { AttemptHeld, AttemptRef, AttemptReport, ServiceHealth, TaskAnswer, TaskOrder, TaskSession } from '../../model/task.ts'
import { untilAborted } from '../../model/until-aborted.ts'
import { askTask } from './ask-task.ts'
import { keyOf } from './task-changes.ts'

/** Most attempts that are running or have reports not yet taken. A runtime has at most 256 containers. */
const HAVING_MAX = 4_096
/** Attempts that are remembered once they are over and reported, or refused, so that an order that comes again has no other answer. */
const OVER_MAX = 10_000
/** Between two tries to report. */
const REPORT_PAUSE_MS = 200
/** Longest that a report may take to be agreed. */
const REPORT_TIMEOUT_MS = 10_000
/** Reports in one message; with the largest outputs inline, eight have 700 KiB. */
const REPORTS_MAX = 256
const REPORTS_BYTES_MAX = 786_432
/** What the runtime needs at most to remove the containers of attempts that were cut short: it promises a second. */
const FENCE_MS = 1_000
/** Longest that a stopping worker tries to tell the orchestrator which attempts it hands back. */
const HAND_BACK_MS = 1_000

export interface TaskWorkerComponents {
  /** Null with `--no-work`. */
  readonly runtime: Runtime | null
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly times: LeaseTimes
  readonly newSession: () => TaskSession
  /** Runs an attempt to its end. `onHealth`: told of a service. */
  readonly run: (order: TaskOrder, options: { signal: AbortSignal; onHealth: (health: ServiceHealth) => void }) => Promise<AttemptReport>
  readonly orchestrator: () => PeerId | null
  readonly term: () => Term
  readonly draining: () => boolean
  /** An attempt has begun or ended, so that there is less or more room than there was. */
  readonly onRoom: () => void
}

interface Run {
  readonly order: TaskOrder
  readonly abort: AbortController
  readonly ended: Promise<void>
  /** Of a service, as it was told last. */
  readonly state: { health?: ServiceHealth }
}

/**
 * Runs the attempts that the orchestrator dispatches, for as long as it holds a lease, and reports what they came to until somebody has recorded
 * it. When the lease ends it ends everything, and comes back as another session.
 */
export class TaskWorker implements Startable {
  readonly #components: TaskWorkerComponents
  readonly #runs = new Map<string, Run>()
  readonly #reports = new Map<string, AttemptReport>()
  readonly #over = new Set<string>()
  readonly #refused = new Map<string, CaresError>()
  readonly #stopping = new AbortController()
  readonly #timers: Disposable[] = []
  /** Null while an ended session is cleared away. */
  #session: TaskSession | null = null
  /** Null before the first answered renewal of the session. */
  #leaseUntilMs: number | null = null
  /** Rings when the lease would have ended, had it not been renewed since. */
  #leaseAlarm: Disposable | undefined
  #isReady = false
  #renewing: Promise<void> | undefined
  #handingBack: Promise<void> | undefined
  /** Since the renewal that is under way was written, there is more to say. */
  #hasNews = false
  #reporting: Promise<void> | undefined
  #fencing: Promise<void> | undefined

  constructor(components: TaskWorkerComponents) {
    this.#components = components
  }

  get running(): number {
    return this.#runs.size
  }

  async start(): Promise<void> {
    const { runtime, clock, times } = this.#components
    if (runtime === null || this.#timers.length > 0) return
    this.#session = this.#components.newSession()
    this.#timers.push(clock.every(times.renewMs, () => this.renew()))
    this.renew()
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]()
    this.#leaseAlarm?.[Symbol.dispose]()
    const reason = new CaresError('stopping', 'the worker is stopping', { retryable: true })
    for (const { abort } of this.#runs.values()) abort.abort(reason)
    await Promise.all([...this.#runs.values()].map(async ({ ended }) => ended))
    const handedBack = this.#components.clock.timeout(HAND_BACK_MS)
    if (this.#reports.size > 0) await untilAborted(this.#report(), handedBack).catch(() => {}) // Else they are found lost, or come with the next session.
    this.#stopping.abort(reason)
    await this.#renewing
    await this.#reporting
    await this.#fencing
  }

  /** Says to the orchestrator at once that this worker is there; to be called when there is a new one. */
  renew(): void {
    if (this.#stopping.signal.aborted || this.#timers.length === 0) return
    if (this.#components.draining()) void this.handBack()
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
      if (this.#hasNews) this.renew()
    })
  }

  /** Ends what would not end by itself, so that it can run elsewhere. Resolves when that was tried, however it went. */
  async handBack(): Promise<void> {
    this.#handingBack ??= this.#handBack().finally(() => (this.#handingBack = undefined))
    await this.#handingBack
  }

  async #handBack(): Promise<void> {
    const services = [...this.#runs.values()].filter(({ order }) => order.task.spec.service !== undefined)
    if (services.length === 0) return
    const reason = new CaresError('peer_draining', 'the worker takes no new work: the service goes elsewhere', { retryable: true })
    for (const { abort } of services) abort.abort(reason)
    await Promise.all(services.map(async ({ ended }) => ended))
    await untilAborted(this.#report(), this.#components.clock.timeout(HAND_BACK_MS)).catch(() => {}) // Else it is reported later.
  }

  /** The orchestrator dispatches these attempts. */
  onDispatch(from: PeerId, term: Term, orders: readonly TaskOrder[]): TaskAnswer {
    if (term < this.#components.term()) throw stale(`the order is of term ${term}, and term ${this.#components.term()} has begun`)
    const refused = orders.flatMap(order => {
      const key = keyOf({ task: order.task.id, attempt: order.attempt })
      // What was refused stays refused, however that has changed: the orchestrator may be giving it to another at this moment.
      const why = this.#refused.get(key) ?? this.#refusal(key, order)
      if (why === null) {
        this.#components.log.debug({ task: order.task.id, attempt: order.attempt, orchestrator: from }, 'task taken')
        return []
      }
      this.#refused.set(key, why)
      if (this.#refused.size > OVER_MAX) for (const oldest of this.#refused.keys().take(1)) this.#refused.delete(oldest)
      return [{ task: order.task.id, attempt: order.attempt, code: why.code, message: why.message }]
    })
    return { type: 'dispatched', refused }
  }

  /** The orchestrator has these attempts ended. */
  onStop(term: Term, attempts: readonly AttemptRef[]): TaskAnswer {
    if (term < this.#components.term()) throw stale(`the order is of term ${term}`)
    this.#cancel(attempts)
    return { type: 'stopped' }
  }

  /** Takes an order, or says why not. An attempt that is known already is not begun again. */
  #refusal(key: string, order: TaskOrder): CaresError | null {
    const { runtime, clock, draining } = this.#components
    if (order.session !== this.#session || this.#leaseUntilMs === null) return stale('the order is for another session of this worker')
    if (clock.nowMs() >= this.#leaseUntilMs) return stale('the lease of this worker has ended')
    if (this.#runs.has(key) || this.#reports.has(key) || this.#over.has(key)) return null
    if (runtime === null) return new CaresError('runtime_unavailable', 'this peer runs no tasks (--no-work)')
    if (this.#stopping.signal.aborted || this.#timers.length === 0)
      return new CaresError('stopping', 'the worker is stopping', { retryable: true })
    if (draining()) return new CaresError('peer_draining', 'the worker takes no new work', { retryable: true })
    if (this.#runs.size + this.#reports.size >= HAVING_MAX)
      return new CaresError('busy', 'the worker has too many tasks in hand', { retryable: true })
    this.#begin(key, order)
    return null
  }

  #begin(key: string, order: TaskOrder): void {
    const abort = new AbortController()
    const state: Run['state'] = {}
    const onHealth = (health: ServiceHealth): void => {
      state.health = health
      this.#hasNews = true
      this.renew()
    }
    const ended = this.#components.run(order, { signal: abort.signal, onHealth }).then(report => {
      this.#runs.delete(key)
      this.#components.onRoom()
      // What was cut short by the end of a session has no result that counts, and was given up by then.
      if (abort.signal.reason instanceof CaresError && ['stale', 'cancelled'].includes(abort.signal.reason.code)) return
      this.#reports.set(key, report)
      if (!this.#stopping.signal.aborted) void this.#report()
    })
    this.#runs.set(key, { order, abort, ended, state })
    this.#components.onRoom()
  }

  #cancel(attempts: readonly AttemptRef[]): void {
    for (const ref of attempts) {
      this.#runs.get(keyOf(ref))?.abort.abort(new CaresError('cancelled', 'the task was cancelled, or given to another worker'))
      this.#reports.delete(keyOf(ref))
    }
  }

  async #renew(): Promise<void> {
    this.#hasNews = false
    const { transport, clock, times, log, orchestrator } = this.#components
    const [session, leader] = [this.#session, orchestrator()]
    if (session === null || leader === null || !(await this.#checkReady())) return
    const having: AttemptHeld[] = [...this.#runs.values()].map(({ order, state: { health } }) => {
      const ref = { task: order.task.id, attempt: order.attempt }
      return health === undefined ? ref : Object.assign(ref, { health })
    })
    for (const { task, attempt } of this.#reports.values()) having.push({ task, attempt })
    const sentAtMs = clock.nowMs()
    try {
      const signal = AbortSignal.any([this.#stopping.signal, clock.timeout(times.workerMs)])
      const answer = await askTask(transport, leader, { type: 'renew', session, having }, { signal })
      if (session !== this.#session) return
      // What has ended is not revived, however good the answer: the orchestrator may have counted on the end.
      this.#look()
      if (session !== this.#session) return
      if (answer.type === 'burned') return this.#fence('the orchestrator has given this session up')
      if (answer.type !== 'renewed') return
      this.#leaseUntilMs = sentAtMs + times.workerMs
      this.#components.runtime?.setLease?.(this.#leaseUntilMs - clock.nowMs())
      this.#watchLease()
      this.#cancel(answer.stop)
      if (this.#reports.size > 0) void this.#report()
    } catch (err) {
      if (!this.#stopping.signal.aborted) log.debug({ code: toCaresError(err).code, orchestrator: leader }, 'lease not renewed')
    }
  }

  /** Before the engine has answered once, containers of an earlier life may still run: nobody may be told that that life is over. */
  async #checkReady(): Promise<boolean> {
    const { runtime, clock, times } = this.#components
    if (this.#isReady || runtime === null) return this.#isReady
    const { ready } = await runtime.check({ signal: clock.timeout(times.workerMs) }).catch(() => ({ ready: false }))
    return (this.#isReady = ready)
  }

  /** One alarm at a time: a renewal only puts the end off, which the alarm finds when it rings. */
  #watchLease(): void {
    if (this.#leaseAlarm !== undefined || this.#leaseUntilMs === null || this.#timers.length === 0) return
    this.#leaseAlarm = this.#components.clock.after(this.#leaseUntilMs - this.#components.clock.nowMs(), () => {
      this.#leaseAlarm = undefined
      this.#look()
      this.#watchLease()
    })
  }

  /** Ends everything when the lease has ended. */
  #look(): void {
    if (this.#leaseUntilMs === null || this.#components.clock.nowMs() < this.#leaseUntilMs) return
    this.#fence('the lease has ended without a renewal')
  }

  #fence(why: string): void {
    const { clock, log, newSession } = this.#components
    if (this.#session === null) return
    const runs = [...this.#runs.values()]
    this.#session = null
    this.#leaseUntilMs = null
    if (runs.length > 0) log.warn({ tasks: runs.length }, `tasks are ended: ${why}`)
    for (const { abort } of runs) abort.abort(stale(why))
    // No grace: others may be given what these had.
    if (runs.length > 0) this.#components.runtime?.setLease?.(0)
    const cleared = async (): Promise<void> => {
      await Promise.all(runs.map(async ({ ended }) => ended))
      if (runs.length > 0) await clock.sleep(FENCE_MS, { signal: this.#stopping.signal })
      this.#session = newSession()
      this.renew()
    }
    this.#fencing = cleared().catch((err: unknown) => log.debug({ err }, 'stopped while a session was cleared away'))
  }

  async #report(): Promise<void> {
    this.#reporting ??= this.#reportAll().finally(() => (this.#reporting = undefined))
    await this.#reporting
  }

  async #reportAll(): Promise<void> {
    const { transport, clock, log, orchestrator } = this.#components
    while (this.#reports.size > 0 && !this.#stopping.signal.aborted) {
      const reports = this.#nextReports()
      try {
        const leader = orchestrator()
        if (leader === null) throw new CaresError('no_orchestrator', 'no orchestrator is known', { retryable: true })
        const signal = AbortSignal.any([this.#stopping.signal, clock.timeout(REPORT_TIMEOUT_MS)])
        await askTask(transport, leader, { type: 'report', reports }, { signal })
        for (const ref of reports) this.#forget(keyOf(ref))
      } catch (err) {
        if (this.#stopping.signal.aborted) return
        log.debug({ code: toCaresError(err).code, tasks: reports.length }, 'results are reported again')
        await clock.sleep(REPORT_PAUSE_MS, { signal: this.#stopping.signal }).catch(() => {}) // The loop ends by itself.
      }
    }
  }

  #nextReports(): readonly AttemptReport[] {
    const reports: AttemptReport[] = []
    let bytes = 0
    for (const report of this.#reports.values()) {
      bytes += 1_024 + JSON.stringify(report.end).length
      if (reports.length > 0 && (reports.length >= REPORTS_MAX || bytes > REPORTS_BYTES_MAX)) break
      reports.push(report)
    }
    return reports
  }

  #forget(key: string): void {
    this.#reports.delete(key)
    this.#over.add(key)
    if (this.#over.size > OVER_MAX) for (const oldest of this.#over.values().take(1)) this.#over.delete(oldest)
  }
}

function stale(message: string): CaresError {
  return new CaresError('stale', message)
}
