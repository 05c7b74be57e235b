import type { TaskAttempt, TaskRecord } from '../../model/task.ts'
import { MESSAGE_BYTES_KEPT, RESULT_BYTES_KEPT } from './limits.ts'
import { jsonBytes } from './task-bytes.ts'

/** No character takes more in JSON. */
const CHARACTER_BYTES_MAX = 6

/**
 * A task with only as much of its attempts as was reserved for it at its submission: the last one, with the start of why it failed. A result that
 * takes more is not kept: the task is `dead`, and says so.
 */
export function trimmed(task: TaskRecord): TaskRecord {
  const last = task.attempts.at(-1)
  if (last === undefined) return task
  const { result, ...rest } = task
  if (result === undefined || (result.output.inline?.length ?? 0) <= RESULT_BYTES_KEPT) return { ...task, attempts: [shortened(last)] }
  const message = `its result of ${result.output.bytes} bytes found no room: the cluster keeps too many tasks that are not over`
  return { ...rest, state: 'dead', failures: task.failures + 1, attempts: [{ ...last, failure: { code: 'limit_reached', message } }] }
}

function shortened({ failure, ...attempt }: TaskAttempt): TaskAttempt {
  if (failure === undefined) return attempt
  const { stderr: _stderr, message, ...rest } = failure
  const isShort = jsonBytes(message) <= MESSAGE_BYTES_KEPT
  return { ...attempt, failure: { ...rest, message: isShort ? message : message.slice(0, MESSAGE_BYTES_KEPT / CHARACTER_BYTES_MAX) } }
}
