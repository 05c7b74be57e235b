import type { QueueOrder, Waiting } from '../../core/scheduler/admission/queue-order.ts'
import { serveInOrder } from '../../core/scheduler/admission/serve-in-order.ts'
import type { PeerView } from '../../model/peer.ts'
import type { TaskId, TaskRecord } from '../../model/task.ts'
import type { Clock } from '../../model/ports/clock.ts'

/** Most tasks that are sorted at a time, the oldest. To sort more would make each round slow; the others get their turn later. */
const LINE_MAX = 512
/** Most tasks that one round assigns, in one commit. */
const TAKEN_MAX = 256
/** A round ends after this many kinds of tasks that could not be placed: the others would most likely fare no better, and each costs a placement. */
const MISSES_MAX = 32
/** Shortest run time that tasks are ordered by: differences below a millisecond are guesses. */
const PREDICTED_MIN_MS = 1

export interface TaskQueueComponents {
  readonly clock: Clock
  /** How tasks wait, by the cluster's strategy. */
  readonly order: () => QueueOrder
  /** How long a task is expected to run, in milliseconds. */
  readonly predictMs: (task: TaskRecord) => number
  /** To know how large a part of the cluster a task takes. */
  readonly views: () => readonly PeerView[]
}

/** What came of offering tasks. */
export interface Offered {
  /** Kinds of tasks that nobody could have. */
  readonly misses: number
  /** When the next task is due; Infinity: none that waits for its time. */
  readonly nextMs: number
}

interface Waiter extends Waiting {
  readonly task: TaskRecord
  readonly needs: string
}

/** Queued tasks: which of them are due, and who of those is next. */
export class TaskQueue {
  readonly #components: TaskQueueComponents
  /** When each may be tried, in order of submission. */
  readonly #due = new Map<TaskId, number>()

  constructor(components: TaskQueueComponents) {
    this.#components = components
  }

  get size(): number {
    return this.#due.size
  }

  set(id: TaskId, dueMs: number): void {
    this.#due.set(id, dueMs)
  }

  delete(id: TaskId): void {
    this.#due.delete(id)
  }

  /** Offers due tasks in the order of the cluster's strategy. What `attempt` takes is not queued any more. */
  offer(tasks: ReadonlyMap<TaskId, TaskRecord>, attempt: (task: TaskRecord) => boolean): Offered {
    const nowMs = this.#components.clock.nowMs()
    const { due, nextMs } = this.#dueNow(tasks, nowMs)
    const misses = serveInOrder(this.#waiters(due, nowMs), {
      order: this.#components.order(),
      nowMs,
      needsOf: ({ needs }) => needs,
      attempt: ({ task }) => attempt(task) && this.#due.delete(task.id),
      takenMax: TAKEN_MAX,
      missesMax: MISSES_MAX
    })
    return { misses, nextMs }
  }

  #dueNow(tasks: ReadonlyMap<TaskId, TaskRecord>, nowMs: number): { due: TaskRecord[]; nextMs: number } {
    const due: TaskRecord[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const [id, dueMs] of this.#due) {
      if (due.length >= LINE_MAX) break
      const task = tasks.get(id)
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs)
      else if (task !== undefined) due.push(task)
    }
    return { due, nextMs }
  }

  #waiters(due: readonly TaskRecord[], nowMs: number): Waiter[] {
    const { clock, predictMs, views } = this.#components
    const all = { cpus: 0, memoryBytes: 0 }
    for (const { profile } of views()) {
      all.cpus += profile.capacity.cpus
      all.memoryBytes += profile.capacity.memoryBytes
    }
    const atMs = Date.parse(clock.timestamp())
    /** Of tasks that are expected to be alike, as batches mostly are: an estimate costs more than all the rest. */
    const predicted = new Map<string, number>()
    return due.map(task => {
      const { spec, input, submittedAt } = task
      const { cpus, memoryBytes } = spec
      const needs = `${spec.digest} ${cpus} ${memoryBytes} ${JSON.stringify(spec.placement)}`
      const kind = `${needs} ${input?.bytes ?? 0} ${spec.args.join(' ')}`
      const predictedMs = predicted.get(kind) ?? Math.max(PREDICTED_MIN_MS, predictMs(task))
      predicted.set(kind, predictedMs)
      return {
        task,
        needs,
        predictedMs,
        // By the wall time of the cluster, since it may have been accepted by another peer, or before a restart of this one.
        arrivedAtMs: nowMs - Math.max(0, atMs - Date.parse(submittedAt)),
        dominantShare: Math.max(cpus / Math.max(cpus, all.cpus), memoryBytes / Math.max(memoryBytes, all.memoryBytes))
      }
    })
  }
}
