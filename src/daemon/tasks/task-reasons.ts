import type { TaskId } from '../../model/task.ts'

/** Tasks whose newest placements can be explained. */
const TASKS_KEPT = 10_000
/** Reasons of one task. */
const REASONS_KEPT = 10

/** Why tasks are where they are: the newest reasons of the tasks that were looked at last. */
export class TaskReasons {
  readonly #reasons = new Map<TaskId, string[]>()

  /** Oldest first, each with its time. */
  of(id: TaskId): readonly string[] {
    return this.#reasons.get(id) ?? []
  }

  /** The same reason again says nothing new. */
  add(id: TaskId, at: string, reason: string): void {
    const reasons = this.#reasons.get(id) ?? []
    if (reasons.at(-1)?.endsWith(reason) === true) return
    this.#reasons.delete(id)
    this.#reasons.set(id, [...reasons.slice(1 - REASONS_KEPT), `${at} ${reason}`])
    if (this.#reasons.size > TASKS_KEPT) for (const oldest of this.#reasons.keys().take(1)) this.#reasons.delete(oldest)
  }
}
