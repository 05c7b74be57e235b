import type { AttemptReport, TaskAnswer, TaskChange } from '../../model/task.ts'

/** How long what is over is remembered. */
const RETENTION_MS = 7 * 86_400_000

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

/** Forgets what was over long before `at`, an RFC 3339 time. */
export function expiry(at: string): TaskChange {
  return { type: 'expire', before: new Date(Date.parse(at) - RETENTION_MS).toISOString(), at }
}
