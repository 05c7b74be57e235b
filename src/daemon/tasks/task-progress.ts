import { backoffMs } from '../../core/tasks/backoff.ts'
import { currentAttempt, isOver, type TaskRecord } from '../../model/task.ts'

/** Uncounted failures are tried again soon, but not for ever at the speed of the machine. */
const RETURNED_MS = { step: 100, max: 5_000 }

/** Rises with every change of a task, but those of a service's health. */
export function progress(task: TaskRecord): number {
  return isOver(task) ? Number.POSITIVE_INFINITY : 2 * task.attempt + (task.state === 'queued' ? 1 : 0)
}

/** Whether a record of a task tells more than another one of it: changes may come in another order than they were made. */
export function isNewer(task: TaskRecord, known: TaskRecord): boolean {
  const ahead = progress(task) - progress(known)
  if (ahead > 0) return true
  return ahead === 0 && (currentAttempt(task)?.healthAt ?? '') > (currentAttempt(known)?.healthAt ?? '')
}

/** How long a queued task waits before it is tried (again). */
export function pauseMs({ attempt, failures, attempts, spec }: TaskRecord): number {
  // What a service has been through in its life says nothing of how it does now.
  const lately = spec.service === undefined ? attempt : attempts.length
  return Math.max(backoffMs(failures), Math.min(RETURNED_MS.max, RETURNED_MS.step * (lately - failures)))
}
