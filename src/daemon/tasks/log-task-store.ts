import type { Command } from '../../model/command.ts'
import { CaresError } from '../../model/errors.ts'
import type { Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
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
import type { Committed } from '../proposals.ts'
import { CommitQueue } from './commit-queue.ts'

/** Longest that a commit of the orchestrator may take before it is told to try again. */
const COMMIT_TIMEOUT_MS = 10_000

export interface LogTaskStoreComponents {
  /** The tables of this peer. */
  readonly tables: () => TaskTables
  /** Has the cluster agree, whoever leads it. */
  readonly agree: (command: Command, options: { signal: AbortSignal }) => Promise<Committed>
  /** Has it agree if this peer leads it in this term. Throws `stale`. */
  readonly propose: (command: Command, term: Term, options: { signal: AbortSignal }) => Promise<Committed>
  readonly clock: Clock
}

/** The tasks in the replicated log: the default. Every peer reads from its own tables. */
export class LogTaskStore implements TaskStore {
  readonly kind = 'log'
  readonly #components: LogTaskStoreComponents
  readonly #everybodys: CommitQueue
  readonly #listeners: ((task: TaskRecord) => void)[] = []
  /** Of the newest term in which this peer led. */
  #own: { readonly term: Term; readonly queue: CommitQueue } | undefined

  constructor(components: LogTaskStoreComponents) {
    this.#components = components
    const { agree, clock } = components
    this.#everybodys = new CommitQueue(async changes =>
      outcomesOf(await agree({ type: 'tasks', changes }, { signal: clock.timeout(COMMIT_TIMEOUT_MS) }))
    )
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async commit(
    changes: readonly TaskChange[],
    { term, signal }: { term?: Term | undefined; signal: AbortSignal }
  ): Promise<readonly TaskOutcome[]> {
    return (term === undefined ? this.#everybodys : this.#queueOf(term)).add(changes, { signal })
  }

  async find(id: TaskId): Promise<TaskRecord | undefined> {
    return valueAt(this.#tasks, id)
  }

  async match(text: string): Promise<readonly TaskRecord[]> {
    const exact = valueAt(this.#tasks, text)
    if (exact !== undefined) return [exact]
    return [
      ...valuesOf(this.#tasks)
        .filter(({ id, spec }) => spec.name === text || id.startsWith(text))
        .take(2)
    ]
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

  #queueOf(term: Term): CommitQueue {
    if (this.#own?.term === term) return this.#own.queue
    const { propose, clock } = this.#components
    const queue = new CommitQueue(async changes =>
      outcomesOf(await propose({ type: 'tasks', changes }, term, { signal: clock.timeout(COMMIT_TIMEOUT_MS) }))
    )
    this.#own = { term, queue }
    return queue
  }
}

function outcomesOf({ outcome }: Committed): readonly TaskOutcome[] {
  if (outcome.type === 'tasks-changed') return outcome.outcomes
  throw new CaresError('internal', `a change of tasks had the outcome of another command: ${outcome.type}`)
}
