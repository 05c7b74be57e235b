import { draftShards, emptyShards, type ShardsDraft } from '../../model/shards.ts'
import { isOver, type TaskChange, type TaskId, type TaskOutcome, type TaskRecord, type TaskTables } from '../../model/task.ts'
import { changeTask, newTask, type TaskStep } from './change-task.ts'
import { FORGET_RATIO, TASKS_BYTES_MAX, TASKS_MAX } from './limits.ts'
import { taskBytes } from './task-bytes.ts'
import { trimmed } from './trimmed.ts'

/** The tables of a cluster that has had no task yet. */
export function noTasks(): TaskTables {
  return { tasks: emptyShards(), keys: emptyShards(), ports: new Map(), seq: 0, bytes: 0 }
}

/** What the tasks may grow to. */
export interface TaskLimits {
  readonly tasksMax: number
  readonly bytesMax: number
}

/**
 * What committed changes mean: the same tables and changes give the same result on every peer. Costs as much as the changes touch, however
 * many tasks there are; only when a limit is reached, all are looked at to forget the oldest of those that are over.
 */
export function applyTaskChanges(
  tables: TaskTables,
  changes: readonly TaskChange[],
  limits: TaskLimits = { tasksMax: TASKS_MAX, bytesMax: TASKS_BYTES_MAX }
): { tables: TaskTables; outcomes: TaskOutcome[] } {
  const draft = new Draft(tables, limits)
  const outcomes = changes.map(change => draft.apply(change))
  return { tables: draft.done(), outcomes }
}

class Draft {
  readonly #base: TaskTables
  readonly #limits: TaskLimits
  readonly #tasks: ShardsDraft<TaskRecord>
  readonly #keys: ShardsDraft<TaskId>
  #ports: Map<number, TaskId> | undefined
  #seq: number
  #bytes: number

  constructor(base: TaskTables, limits: TaskLimits) {
    this.#base = base
    this.#limits = limits
    this.#tasks = draftShards(base.tasks)
    this.#keys = draftShards(base.keys)
    this.#seq = base.seq
    this.#bytes = base.bytes
  }

  apply(change: TaskChange): TaskOutcome {
    switch (change.type) {
      case 'submit':
        return this.#submit(change)
      case 'expire':
        return this.#expire(change.before)
      default:
        return this.#step(change)
    }
  }

  /** The very tables that it started from, if nothing was changed. */
  done(): TaskTables {
    const [tasks, keys] = [this.#tasks.done(), this.#keys.done()]
    if (tasks === this.#base.tasks && keys === this.#base.keys) return this.#base
    return { tasks, keys, ports: this.#ports ?? this.#base.ports, seq: this.#seq, bytes: this.#bytes }
  }

  #submit(change: Extract<TaskChange, { type: 'submit' }>): TaskOutcome {
    const { id, key } = change
    const known = this.#tasks.get((key === undefined ? undefined : this.#keys.get(key)) ?? id)
    if (known !== undefined) {
      if (known.fingerprint === change.fingerprint) return { type: 'unchanged', id: known.id }
      return { type: 'refused', code: 'conflict', message: `the idempotency key was used for another request, task ${known.id}` }
    }
    const { publish } = change.spec.service ?? {}
    const holder = publish === undefined ? undefined : (this.#ports ?? this.#base.ports).get(publish)
    if (holder !== undefined) {
      return { type: 'refused', code: 'conflict', message: `port ${publish} is published by the service ${holder}` }
    }
    const task = newTask(change, this.#seq + 1)
    const bytes = taskBytes(task)
    if (!this.#makeRoom(bytes, 1)) return this.#full()
    this.#seq++
    this.#put(task, { bytes })
    if (key !== undefined) this.#keys.set(key, id)
    return { type: 'changed', id }
  }

  #step(change: TaskStep): TaskOutcome {
    const [before, seq] = [this.#tasks.get(change.id), this.#seq]
    const { task, outcome } = changeTask(before, change, () => ++this.#seq)
    if (before === undefined || task === undefined || task === before) return outcome
    const bytesBefore = taskBytes(before)
    for (const form of formsOf(task)) {
      const bytes = taskBytes(form) - bytesBefore
      if (!this.#makeRoom(bytes, 0)) continue
      this.#put(form, { before, bytes })
      return outcome
    }
    this.#seq = seq
    return this.#full()
  }

  #expire(before: string): TaskOutcome {
    const old = this.#tasks.values().filter(task => task.finishedAt !== undefined && task.finishedAt < before)
    return { type: 'expired', count: this.#forget([...old]) }
  }

  #full(): TaskOutcome {
    const { tasksMax, bytesMax } = this.#limits
    const message = `the cluster keeps at most ${tasksMax} tasks and ${bytesMax} bytes of them, and too few of these are over`
    return { type: 'refused', code: 'limit_reached', message }
  }

  /** Forgets what was over first, if that is needed. False: even without all of that there is no room for so much more, and nothing is forgotten. */
  #makeRoom(bytes: number, tasks: number): boolean {
    const { tasksMax, bytesMax } = this.#limits
    const isWithin = (count: number, sum: number): boolean => (bytes <= 0 || sum + bytes <= bytesMax) && count + tasks <= tasksMax
    const fits = (): boolean => isWithin(this.#tasks.size, this.#bytes)
    if (fits()) return true
    const over = this.#tasks
      .values()
      .filter(isOver)
      .toArray()
      .sort((a, b) => (a.endSeq ?? 0) - (b.endSeq ?? 0))
    const overBytes = over.reduce((sum, task) => sum + taskBytes(task), 0)
    if (!isWithin(this.#tasks.size - over.length, this.#bytes - overBytes)) return false
    const share = Math.ceil(this.#tasks.size * FORGET_RATIO)
    for (let at = 0; at < over.length && !fits(); at += share) this.#forget(over.slice(at, at + share))
    return fits()
  }

  #forget(tasks: readonly TaskRecord[]): number {
    for (const task of tasks) {
      this.#tasks.delete(task.id)
      if (task.key !== undefined) this.#keys.delete(task.key)
      this.#bytes -= taskBytes(task)
    }
    return tasks.length
  }

  /** `bytes`: how many more the tasks take with it. */
  #put(task: TaskRecord, { before, bytes }: { before?: TaskRecord; bytes: number }): void {
    this.#bytes += bytes
    this.#tasks.set(task.id, task)
    const { publish } = task.spec.service ?? {}
    if (publish === undefined || (before !== undefined && !isOver(task))) return
    this.#ports ??= new Map(this.#base.ports)
    if (isOver(task)) this.#ports.delete(publish)
    else this.#ports.set(publish, task.id)
  }
}

/** A task as it is to be kept, and then how it is kept where there is no room for that. */
function* formsOf(task: TaskRecord): Generator<TaskRecord, void> {
  yield task
  yield trimmed(task)
}
