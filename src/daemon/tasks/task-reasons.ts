import type { Clock } from '../../model/ports/clock.ts'
import type { TaskId } from '../../model/task.ts'

/** Tasks whose newest placements can be explained. */
const TASKS_KEPT = 10_000
/** Reasons of one task. */
const REASONS_KEPT = 10

/** Why tasks are where they are: the newest reasons of the tasks that were looked at last. */
export class TaskReasons {
  readonly #clock: Pick<Clock, 'timestamp'>
  readonly #reasons = new Map<TaskId, string[]>()

  constructor({ clock }: { clock: Pick<Clock, 'timestamp'> }) {
    this.#clock = clock
  }

  /**
   * Oldest first, each with its time.
   *
   * @param now - `waiting`: how many tasks wait, this one among them; 0 when it does not wait
   */
  of(id: TaskId, { waiting }: { waiting: number }): readonly string[] {
    const notYet = `${this.#clock.timestamp()} not offered to any peer yet: ${waiting} tasks wait, and others go before it`
    return this.#reasons.get(id) ?? (waiting === 0 ? [] : [notYet])
  }

  /** The same reason again says nothing new. */
  add(id: TaskId, reason: string): void {
    const reasons = this.#reasons.get(id) ?? []
    if (reasons.at(-1)?.endsWith(reason) === true) return
    this.#reasons.delete(id)
    this.#reasons.set(id, [...reasons.slice(1 - REASONS_KEPT), `${this.#clock.timestamp()} ${reason}`])
    if (this.#reasons.size > TASKS_KEPT) for (const oldest of this.#reasons.keys().take(1)) this.#reasons.delete(oldest)
  }
}
