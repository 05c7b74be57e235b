import type { Command } from '../../model/command.ts'
import { CaresError } from '../../model/errors.ts'
import type { Term } from '../../model/ids.ts'
import type { Applied } from '../../model/ports/store.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import { valueAt, valuesOf } from '../../model/shards.ts'
import {
  type BlobRef,
  blobsOf,
  isOver,
  type TaskChange,
  type TaskId,
  type TaskOutcome,
  type TaskRecord,
  type TaskTables
} from '../../model/task.ts'
import type { TaskCounts, TaskPage, TaskQuery } from '../../model/task-service.ts'
import type { Committed } from '../agreement/proposals.ts'

export interface LogTaskStoreComponents {
  /** The tables of this peer. */
  readonly tables: () => TaskTables
  /** Has the cluster agree, whoever leads it. */
  readonly agree: (command: Command, options: { signal: AbortSignal }) => Promise<Committed>
  /** Has it agree if this peer leads it in this term. Throws `stale`. */
  readonly propose: (command: Command, term: Term, options: { signal: AbortSignal }) => Promise<Committed>
}

/** The tasks in the replicated log: the default. Every peer reads from its own tables. */
export class LogTaskStore implements TaskStore {
  readonly kind = 'log'
  readonly id = null
  readonly #components: LogTaskStoreComponents
  readonly #listeners: ((task: TaskRecord) => void)[] = []

  constructor(components: LogTaskStoreComponents) {
    this.#components = components
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async commit(
    changes: readonly TaskChange[],
    { term, signal }: { term?: Term | undefined; signal: AbortSignal }
  ): Promise<readonly TaskOutcome[]> {
    const { agree, propose } = this.#components
    const command = { type: 'tasks', changes } as const
    return outcomesOf(await (term === undefined ? agree(command, { signal }) : propose(command, term, { signal })))
  }

  async find(id: TaskId): Promise<TaskRecord | undefined> {
    return valueAt(this.#tasks, id)
  }

  async match(text: string): Promise<readonly TaskRecord[]> {
    const exact = valueAt(this.#tasks, text)
    if (exact !== undefined) return [exact]
    return valuesOf(this.#tasks)
      .filter(({ id, spec }) => spec.name === text || id.startsWith(text))
      .toArray()
      .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.seq - a.seq)
      .slice(0, 2)
  }

  async list({ states, function: fn, worker, limit, before = Number.POSITIVE_INFINITY }: TaskQuery): Promise<TaskPage> {
    let newest: TaskRecord[] = []
    const cut = (): void => {
      newest = newest.sort((a, b) => b.seq - a.seq).slice(0, limit + 1)
    }
    for (const task of valuesOf(this.#tasks)) {
      if (task.seq >= before || (states !== undefined && !states.includes(task.state))) continue
      if ((fn !== undefined && task.spec.function !== fn) || (worker !== undefined && task.attempts.at(-1)?.worker !== worker)) continue
      newest.push(task)
      // Cut in batches: sorting all for one page would cost more than all the rest.
      if (newest.length >= 4 * (limit + 1)) cut()
    }
    cut()
    const items = newest.slice(0, limit)
    return { items, next: newest.length > limit ? (items.at(-1)?.seq ?? null) : null }
  }

  async counts(): Promise<TaskCounts> {
    const counts = { queued: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 }
    for (const { state } of valuesOf(this.#tasks)) counts[state]++
    return counts
  }

  async open(): Promise<readonly TaskRecord[]> {
    return valuesOf(this.#tasks)
      .filter(task => !isOver(task))
      .toArray()
      .sort((a, b) => a.seq - b.seq)
  }

  async published(): Promise<readonly TaskRecord[]> {
    return [...this.#components.tables().ports.values()].flatMap(id => valueAt(this.#tasks, id) ?? [])
  }

  async blobs(): Promise<readonly BlobRef[]> {
    return valuesOf(this.#tasks).flatMap(blobsOf).toArray()
  }

  onChange(listener: (task: TaskRecord) => void): void {
    this.#listeners.push(listener)
  }

  /** The log has come further on this peer: tells the listeners. */
  onApplied(applied: readonly Applied[]): void {
    for (const { command, outcome } of applied) {
      if (command.type !== 'tasks' || outcome.type !== 'tasks-changed') continue
      for (const one of outcome.outcomes) {
        const task = one.type === 'changed' ? valueAt(this.#tasks, one.id) : undefined
        if (task !== undefined) for (const listener of this.#listeners) listener(task)
      }
    }
  }

  get #tasks(): TaskTables['tasks'] {
    return this.#components.tables().tasks
  }
}

function outcomesOf({ outcome }: Committed): readonly TaskOutcome[] {
  if (outcome.type === 'tasks-changed') return outcome.outcomes
  throw new CaresError('internal', `a change of tasks had the outcome of another command: ${outcome.type}`)
}
