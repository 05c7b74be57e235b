import {
  type AttemptHeld,
  type AttemptRef,
  type AttemptReport,
  currentAttempt,
  type TaskAnswer,
  type TaskChange,
  type TaskId,
  type TaskRecord
} from '../../model/task.ts'

type Refused = Extract<TaskAnswer, { type: 'dispatched' }>['refused'][number]

/** What a worker's report changes. */
export function ending({ task, attempt, end }: AttemptReport, at: string): TaskChange {
  if (end.type === 'succeeded') return { type: 'complete', id: task, attempt, result: end.result, at }
  const { failure, counts, final } = end
  return { type: 'fail', id: task, attempt, failure, counts, final, at }
}

/** What it changes that a worker did not take an attempt: nothing of it has run, so it does not count. */
export function refusal({ task, attempt, code, message }: Refused, at: string): TaskChange {
  return { type: 'fail', id: task, attempt, failure: { code, message }, counts: false, final: false, at }
}

/** What it changes how services are, by what their worker says of the attempts that it has. */
export function healthChanges(held: readonly AttemptHeld[], tasks: ReadonlyMap<TaskId, TaskRecord>, at: string): readonly TaskChange[] {
  return held.flatMap(({ task, attempt, health }): TaskChange[] => {
    const record = tasks.get(task)
    const isNews = health !== undefined && record !== undefined && currentAttempt(record)?.health !== health
    return isNews ? [{ type: 'health', id: task, attempt, health, at }] : []
  })
}

/** By which an attempt is found. */
export function keyOf({ task, attempt }: AttemptRef): string {
  return `${task} ${attempt}`
}
