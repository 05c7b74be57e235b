import type { Term } from '../ids.ts'
import type { BlobRef, TaskChange, TaskId, TaskOutcome, TaskRecord } from '../task.ts'
import type { TaskCounts, TaskPage, TaskQuery } from '../task-service.ts'
import type { Startable } from './startable.ts'

/**
 * Where the tasks of a cluster are kept. Two drivers: `log`, the replicated log, which needs nothing else; and `postgres`, for clusters that want more
 * tasks, kept for longer, and SQL over them. In both, `core/tasks` decides what a change does to a task; one compliance suite holds for both.
 */
export interface TaskStore extends Startable {
  readonly kind: 'log' | 'postgres'
  /** Which one of its kind: the same for all who share it, and for nobody else. Null: there is only one, or it is not known yet. */
  readonly id: string | null
  /**
   * Carries changes out, in their order, and resolves when they cannot be lost any more. Each has an outcome of its own. Listeners of this peer
   * have heard of what was changed by then.
   *
   * Everybody may submit, cancel and expire. What only the orchestrator may do carries its `term`: `stale` is thrown once a later term has begun.
   * Throws `no_quorum`, `no_orchestrator`, `timeout`, `overloaded` when nothing can be agreed; whether it counts may then be unknown. The same
   * changes can be repeated without harm.
   */
  commit(changes: readonly TaskChange[], options: { term?: Term | undefined; signal: AbortSignal }): Promise<readonly TaskOutcome[]>
  find(id: TaskId): Promise<TaskRecord | undefined>
  /** The tasks whose id begins like this, or whose name is this: those that are not over first, the newest first; at most two, for one is what is wanted. */
  match(text: string): Promise<readonly TaskRecord[]>
  /** Newest first. */
  list(query: TaskQuery): Promise<TaskPage>
  counts(): Promise<TaskCounts>
  /** Every task that is not over, in order of submission, for the orchestrator of a term. Changes of older terms are `stale` from then on. */
  open(options: { term: Term }): Promise<readonly TaskRecord[]>
  /** Every service with a published port that is not over; no two have the same. */
  published(): Promise<readonly TaskRecord[]>
  /** The large inputs and results that tasks refer to. */
  blobs(): Promise<readonly BlobRef[]>
  /** Called with each task after each change of it, whichever peer made it. Must not throw. */
  onChange(listener: (task: TaskRecord) => void): void
}
