import type { QueueOrder, Waiting } from '../../core/scheduler/admission/queue-order.ts'
import { serveInOrder } from '../../core/scheduler/admission/serve-in-order.ts'
import type { PeerView } from '../../model/peer.ts'
import type { TaskId, TaskRecord, TaskSpec } from '../../model/task.ts'
import type { Clock } from '../../model/ports/clock.ts'

/** Most tasks that are sorted at a time, the oldest. To sort more would make each round slow. */
const LINE_MAX = 512
/** Most tasks that one round assigns, in one commit. */
const TAKEN_MAX = 256
/** A round ends after this many kinds of tasks that could not be placed: the others would most likely fare no better, and each costs a placement. */
const MISSES_MAX = 32
/** Most likely is not certainly: so often, and for so many rounds, whoever stands behind those is tried, too, further back each time. */
const DEEPER_EVERY_MS = 1_000
const DEEPER_ROUNDS_MAX = 4
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

interface Round {
  /** Needs that nobody could meet. */
  readonly missed: ReadonlySet<unknown>
  readonly taken: number
  /** Whether everything that is due was offered, or asks for what has just been missed. */
  readonly isWhole: boolean
  readonly nextMs: number
}

/** Queued tasks: which of them are due, and who of those is next. */
export class TaskQueue {
  readonly #components: TaskQueueComponents
  /** When each may be tried, in order of submission. */
  readonly #due = new Map<TaskId, number>()
  readonly #needs = new WeakMap<TaskSpec, string>()
  /** What has been missed by the rounds that go deeper, until one of them has reached the end. */
  readonly #passed = new Set<unknown>()
  #deeperAtMs = Number.NEGATIVE_INFINITY

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

  /**
   * Offers due tasks in the order of the cluster's strategy. What `attempt` takes is not queued any more. Tasks that nobody can have, however many and
   * however old, keep the others waiting for a while and not for ever.
   */
  offer(tasks: ReadonlyMap<TaskId, TaskRecord>, attempt: (task: TaskRecord) => boolean): Offered {
    const nowMs = this.#components.clock.nowMs()
    const first = this.#round(tasks, attempt, { nowMs, takenMax: TAKEN_MAX, passed: new Set() })
    let { isWhole, taken } = first
    if (!isWhole && nowMs >= this.#deeperAtMs) {
      this.#deeperAtMs = nowMs + DEEPER_EVERY_MS
      for (const needs of first.missed) this.#passed.add(needs)
      for (let round = 0; round < DEEPER_ROUNDS_MAX && !isWhole && taken < TAKEN_MAX; round++) {
        const more = this.#round(tasks, attempt, { nowMs, takenMax: TAKEN_MAX - taken, passed: this.#passed })
        for (const needs of more.missed) this.#passed.add(needs)
        taken += more.taken
        ;({ isWhole } = more)
      }
    }
    if (isWhole) this.#passed.clear()
    return { misses: first.missed.size, nextMs: first.nextMs }
  }

  #round(
    tasks: ReadonlyMap<TaskId, TaskRecord>,
    attempt: (task: TaskRecord) => boolean,
    { nowMs, takenMax, passed }: { nowMs: number; takenMax: number; passed: ReadonlySet<unknown> }
  ): Round {
    const { due, nextMs, isCut } = this.#dueNow(tasks, nowMs, passed)
    const { missed, taken } = serveInOrder(this.#waiters(due, nowMs), {
      order: this.#components.order(),
      nowMs,
      needsOf: ({ needs }) => needs,
      attempt: ({ task }) => attempt(task) && this.#due.delete(task.id),
      takenMax,
      missesMax: MISSES_MAX
    })
    return { missed, taken, nextMs, isWhole: !isCut && missed.size < MISSES_MAX && taken < takenMax }
  }

  #dueNow(
    tasks: ReadonlyMap<TaskId, TaskRecord>,
    nowMs: number,
    passed: ReadonlySet<unknown>
  ): { due: TaskRecord[]; nextMs: number; isCut: boolean } {
    const due: TaskRecord[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const [id, dueMs] of this.#due) {
      if (due.length >= LINE_MAX) return { due, nextMs, isCut: true }
      const task = tasks.get(id)
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs)
      else if (task !== undefined && (passed.size === 0 || !passed.has(this.#needsOf(task)))) due.push(task)
    }
    return { due, nextMs, isCut: false }
  }

  /** As one text, so that it can be compared: where one finds no room, another of the same needs would find none either. */
  #needsOf({ spec, input }: TaskRecord): string {
    const { digest, cpus, memoryBytes, placement, args } = spec
    // What it is expected to cost depends on what it is given.
    const costs = placement?.maxCostUsd === undefined ? '' : ` ${input?.bytes ?? 0} ${args.join(' ')}`
    const needs = this.#needs.get(spec) ?? `${digest} ${cpus} ${memoryBytes} ${JSON.stringify(placement)}${costs}`
    this.#needs.set(spec, needs)
    return needs
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
      const needs = this.#needsOf(task)
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
