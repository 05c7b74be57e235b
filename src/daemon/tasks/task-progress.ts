import { backoffMs } from '../../core/tasks/backoff.ts'
import { isOver, type TaskRecord } from '../../model/task.ts'

/** Uncounted failures are tried again soon, but not for ever at the speed of the machine. */
const RETURNED_MS = { step: 100, max: 5_000 }

/** Rises with every change of a task. */
export function progress(task: TaskRecord): number {
  return isOver(task) ? Number.POSITIVE_INFINITY : 2 * task.attempt + (task.state === 'queued' ? 1 : 0)
}

/** How long a queued task waits before it is tried (again). */
export function pauseMs({ attempt, failures }: TaskRecord): number {
  return Math.max(backoffMs(failures), Math.min(RETURNED_MS.max, RETURNED_MS.step * (attempt - failures)))
}
