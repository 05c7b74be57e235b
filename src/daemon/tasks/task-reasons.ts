import type { Receipt } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { TaskId } from '../../model/task.ts'

/** Tasks whose newest placements can be explained in words. */
const TASKS_KEPT = 10_000
/** Reasons of one task. */
const REASONS_KEPT = 10
/** Tasks whose newest placement can be explained by its numbers. One takes 5 kB where 32 peers are looked at, and with rows of calls around it up to 20. */
const RECEIPTS_KEPT = 1_000

/** Why tasks are where they are: the newest reasons, and the newest receipts, of the tasks that were looked at last. */
export class TaskReasons {
  readonly #clock: Pick<Clock, 'timestamp'>
  readonly #reasons = new Map<TaskId, string[]>()
  readonly #receipts = new Map<TaskId, Receipt>()

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

  /** By which numbers a task was placed last, or nowhere. Null: not here, or too many others were looked at since. */
  receiptOf(id: TaskId): Receipt | null {
    return this.#receipts.get(id) ?? null
  }

  /** The same reason again says nothing new. */
  add(id: TaskId, reason: string): void {
    const reasons = this.#reasons.get(id) ?? []
    if (reasons.at(-1)?.endsWith(reason) === true) return
    keep(this.#reasons, { id, value: [...reasons.slice(1 - REASONS_KEPT), `${this.#clock.timestamp()} ${reason}`], max: TASKS_KEPT })
  }

  /** Keeps a receipt as it is: what it says of each peer is worked out, and written, when somebody asks. */
  placed(id: TaskId, { reason, receipt }: { reason: string; receipt: Receipt }): void {
    this.add(id, reason)
    keep(this.#receipts, { id, value: receipt, max: RECEIPTS_KEPT })
  }
}

/** Makes it the newest of `max`. */
function keep<Value>(kept: Map<TaskId, Value>, { id, value, max }: { id: TaskId; value: Value; max: number }): void {
  kept.delete(id)
  kept.set(id, value)
  if (kept.size > max) for (const oldest of kept.keys().take(1)) kept.delete(oldest)
}
