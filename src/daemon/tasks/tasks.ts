import { type LeaseTimes, leaseTimes } from '../../core/tasks/leases.ts'
import { assertNever, CaresError, toCaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { PeerId, Term } from '../../model/ids.ts'
import type { Usage } from '../../model/invocation.ts'
import type { PeerView } from '../../model/peer.ts'
import { LineSplitter } from '../../model/line-splitter.ts'
import type { LogLine } from '../../model/logs.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Runtime, ServiceAddress } from '../../model/ports/runtime.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import type { Timings } from '../../model/presets.ts'
import {
  type AttemptRef,
  type AttemptReport,
  isOver,
  type ServiceHealth,
  type TaskAnswer,
  type TaskAsk,
  type TaskId,
  type TaskOrder,
  type TaskRecord,
  type TaskSession
} from '../../model/task.ts'
import type { TaskService } from '../../model/task-service.ts'
import type { ConsensusRoleNow } from '../agreement/consensus-init.ts'
import type { EventLog } from '../telemetry/event-log.ts'
import type { Placer } from '../calls/placer.ts'
import { runAttempt, runServiceAttempt } from './attempt-runner.ts'
import { TaskOrchestrator } from './task-orchestrator.ts'
import type { Payloads } from './payloads.ts'
import { executionId } from './task-function.ts'
import { TaskGateway } from './task-gateway.ts'
import { learnTask, placeTask, predictTaskMs } from './task-placement.ts'
import { TaskWorker } from './task-worker.ts'

export interface TasksComponents {
  readonly store: TaskStore
  readonly payloads: Payloads
  readonly runtime: Runtime | null
  readonly transport: Transport
  readonly placer: Placer
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventLog
  readonly timings: Timings
  readonly newTaskId: () => TaskId
  readonly newTaskSession: () => TaskSession
  readonly role: () => ConsensusRoleNow
  readonly term: () => Term
  readonly draining: () => boolean
  readonly views: () => readonly PeerView[]
  /** Throws `not_found` with the closest name. */
  readonly findFunction: (name: string, options: { signal: AbortSignal }) => Promise<FunctionRecord>
  /** A line that a task wrote here. */
  readonly onLog: (line: LogLine) => void
  /** A task has changed, whichever peer made the change. */
  readonly onTask: (task: TaskRecord) => void
  /** An attempt of a task begins here; not told of services. */
  readonly onAttemptBegun: (attempt: AttemptRef) => void
  /** It is over here, having used so much, where that was measured. Told before its end is reported. */
  readonly onAttemptEnded: (attempt: AttemptRef, usage: Usage | undefined) => void
  /** The room of this peer has changed: the orchestrator is to hear of it soon. */
  readonly onRoom: () => void
}

/** Everything that a peer has to do with tasks: as gateway of its clients, as worker, and as orchestrator while it is that. */
export class Tasks implements Startable {
  readonly service: TaskService
  readonly #components: TasksComponents
  readonly #times: LeaseTimes
  readonly #worker: TaskWorker
  readonly #addresses = new Map<TaskId, ServiceAddress>()
  #orchestrating: TaskOrchestrator | null = null
  #closing: Promise<void> = Promise.resolve()
  #isRunning = false

  constructor(components: TasksComponents) {
    this.#components = components
    const { store, clock, timings, role } = components
    const orchestrator = (): PeerId | null => role().leader
    this.#times = leaseTimes(timings)
    this.service = new TaskGateway({ ...components, orchestrator })
    this.#worker = new TaskWorker({
      ...components,
      log: components.log.child('worker'),
      times: this.#times,
      newSession: components.newTaskSession,
      orchestrator,
      run: async (order, { onHealth, ...options }) => {
        const { runtime, payloads } = components
        if (runtime === null) throw new CaresError('internal', 'a worker without a runtime accepted a task')
        if (order.task.spec.service !== undefined) return this.#runService(order, runtime, { onHealth, ...options })
        const ref = { task: order.task.id, attempt: order.attempt }
        const lines = new LineSplitter(text => components.onLog(this.#line(order, text)))
        let used: Usage | undefined
        components.onAttemptBegun(ref)
        const report = await runAttempt(
          order,
          {
            runtime,
            payloads,
            clock,
            onOutput: (_, chunk) => lines.write(chunk),
            onFailed: usage => (used = usage)
          },
          options
        )
        lines.end()
        components.onAttemptEnded(ref, report.end.type === 'succeeded' ? report.end.result.usage : used)
        return report
      }
    })
    store.onChange(task => {
      this.#orchestrating?.onTask(task)
      this.#tell(task)
      components.onTask(task)
    })
  }

  /** Attempts that run here. */
  get running(): number {
    return this.#worker.running
  }

  async start(): Promise<void> {
    this.#isRunning = true
    await this.#components.store.start()
    await this.#worker.start()
    this.onRole()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#worker.stop()
    this.#stepDown()
    await this.#closing
    await this.#components.store.stop()
  }

  /** The role of this peer, or its orchestrator, has changed. */
  onRole(): void {
    const { active, term } = this.#components.role()
    if (!this.#isRunning) return
    if (this.#orchestrating !== null && (!active || this.#orchestrating.term !== term)) this.#stepDown()
    if (active && this.#orchestrating === null) this.#takeOver(term)
    this.#worker.renew()
  }

  /** Who is asked to take no new work has changed. */
  onDraining(): void {
    this.#worker.renew()
  }

  /** Peers have told how they are: more may fit now, somewhere. */
  onViews(): void {
    this.#orchestrating?.onViews()
  }

  /** Answers other peers' questions on `/cares/task`. */
  async serve(channel: Channel<TaskAnswer, TaskAsk>): Promise<void> {
    const question = await channel.receive()
    if (question === undefined) throw new CaresError('protocol', 'the exchange ended without a question')
    let answer: TaskAnswer
    try {
      answer = await this.#answer(channel.remote, question)
    } catch (err) {
      const { code, message, retryable } = toCaresError(err)
      answer = { type: 'failed', code, message, retryable }
    }
    if (channel.signal.aborted) return
    await channel.send(answer)
    channel.end()
  }

  /** Where the program of a published service that runs here takes connections. */
  addressOf(task: TaskId): ServiceAddress | undefined {
    return this.#addresses.get(task)
  }

  /** This peer is about to go: what has no end of its own goes elsewhere. Resolves when that was tried. */
  async handBack(): Promise<void> {
    await this.#worker.handBack()
  }

  async #runService(
    order: TaskOrder,
    runtime: Runtime,
    { onHealth, signal }: { onHealth: (health: ServiceHealth) => void; signal: AbortSignal }
  ): Promise<AttemptReport> {
    const { id, spec } = order.task
    const told = (health: ServiceHealth, address?: ServiceAddress): void => {
      if (address !== undefined && spec.service?.publish !== undefined) this.#addresses.set(id, address)
      onHealth(health)
    }
    const report = await runServiceAttempt(order, { runtime, onHealth: told }, { signal })
    this.#addresses.delete(id)
    return report
  }

  async #answer(from: PeerId, question: TaskAsk): Promise<TaskAnswer> {
    switch (question.type) {
      case 'renew':
        return this.#asOrchestrator().onRenew(from, question.session, question.having)
      case 'report':
        return this.#asOrchestrator().onReport(question.reports)
      case 'dispatch':
        return this.#worker.onDispatch(from, question.term, question.orders)
      case 'stop':
        return this.#worker.onStop(question.term, question.attempts)
      case 'explain':
        return { type: 'explained', reasons: this.#asOrchestrator().explain(question.task).reasons }
      case 'receipt':
        return { type: 'receipt', receipt: this.#asOrchestrator().explain(question.task).receipt }
      default:
        return assertNever(question)
    }
  }

  #asOrchestrator(): TaskOrchestrator {
    if (this.#orchestrating !== null) return this.#orchestrating
    throw new CaresError('not_orchestrator', 'this peer is not the orchestrator', { retryable: true })
  }

  #takeOver(term: Term): void {
    const { placer, log } = this.#components
    const orchestrator = new TaskOrchestrator(
      { term, times: this.#times },
      {
        ...this.#components,
        log: log.child('orchestrator'),
        order: () => placer.queueOrder,
        predictMs: task => predictTaskMs(placer, task),
        place: (task, exclude) => placeTask(placer, task, exclude),
        learn: (task, worker, sharing) => learnTask(placer, task, worker, sharing)
      }
    )
    this.#orchestrating = orchestrator
    orchestrator.open().catch((err: unknown) => log.error({ err }, 'the tasks could not be taken over'))
  }

  #stepDown(): void {
    const orchestrator = this.#orchestrating
    if (orchestrator === null) return
    this.#orchestrating = null
    this.#closing = Promise.all([this.#closing, orchestrator.close()]).then(() => {})
  }

  #line({ task }: TaskOrder, text: string): LogLine {
    const { clock, transport } = this.#components
    return {
      at: clock.timestamp(),
      peer: transport.self,
      function: task.spec.name,
      invocation: executionId(task.id),
      stream: 'stdout',
      text
    }
  }

  #tell(task: TaskRecord): void {
    const { events } = this.#components
    const { id, state, attempt, spec } = task
    const last = task.attempts.at(-1)
    const about = { task: id, name: spec.name }
    if (state === 'running' && last?.health !== undefined) {
      events.emit('task:health-changed', { ...about, attempt, worker: last.worker, health: last.health })
    } else if (state === 'running' && last !== undefined) events.emit('task:started', { ...about, attempt, worker: last.worker })
    else if (isOver(task)) {
      events.emit('task:finished', { ...about, state, attempt, worker: last?.worker ?? null, code: last?.failure?.code ?? null })
    } else if (attempt === 0) events.emit('task:submitted', about)
    else events.emit('task:requeued', { ...about, attempt, code: last?.failure?.code ?? null })
  }
}
