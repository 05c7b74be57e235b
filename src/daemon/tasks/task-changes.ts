import type { AttemptReport, TaskAnswer, TaskChange } from '../../model/task.ts'

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
