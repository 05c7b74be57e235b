import { currentAttempt, isOver, type TaskAttempt, type TaskChange, type TaskOutcome, type TaskRecord } from '../../model/task.ts'
import { ATTEMPTS_KEPT, STAYED_UP_MS, STDERR_CHARS_MAX } from './limits.ts'

/** A change of one task that exists already. */
export type TaskStep = Exclude<TaskChange, { type: 'submit' | 'expire' }>
type Submit = Extract<TaskChange, { type: 'submit' }>
type Refused = Extract<TaskOutcome, { type: 'refused' }>

/** A task as it is when it was accepted. */
export function newTask({ id, key, caller, fingerprint, spec, input, gateway, at }: Submit, seq: number): TaskRecord {
  return {
    id,
    ...(key === undefined ? {} : { key }),
    ...(caller === undefined ? {} : { caller }),
    fingerprint,
    spec,
    ...(input === undefined ? {} : { input }),
    state: 'queued',
    attempt: 0,
    failures: 0,
    attempts: [],
    gateway,
    seq,
    submittedAt: at
  }
}

/**
 * One step in the life of a task. What ends an attempt counts only for the attempt that is under way: so a task has one recorded result, however
 * many workers bring one and however often each says so. Whoever keeps the tasks, the log or a database, keeps them by this.
 *
 * A repeated step is `unchanged`, or `refused` as stale; both leave the very same record.
 *
 * @param nextSeq - the number that the task gets if this step ends it
 */
export function changeTask(
  task: TaskRecord | undefined,
  change: TaskStep,
  nextSeq: () => number
): { task: TaskRecord | undefined; outcome: TaskOutcome } {
  if (task === undefined) return { task, outcome: refused('not_found', `there is no task ${change.id}`) }
  const stays = (outcome: TaskOutcome = { type: 'unchanged', id: task.id }) => ({ task, outcome })
  const becomes = (next: TaskRecord) => ({ task: next, outcome: { type: 'changed', id: task.id } as const })
  switch (change.type) {
    case 'assign': {
      const current = currentAttempt(task)
      if (current?.attempt === change.attempt && current.session === change.session) return stays()
      if (task.state !== 'queued') return stays(stale(task, `it is ${task.state}`))
      if (change.attempt !== task.attempt + 1) return stays(stale(task, `attempt ${task.attempt + 1} is next, not ${change.attempt}`))
      const { attempt, worker, session, at } = change
      const attempts = [...task.attempts.slice(-(ATTEMPTS_KEPT - 1)), { attempt, worker, session, at }]
      return becomes({ ...task, state: 'running', attempt, attempts })
    }
    case 'complete': {
      const late = checkCurrent(task, change.attempt)
      if (late !== null) return stays(late)
      return becomes(ended(task, 'succeeded', { at: change.at, seq: nextSeq(), result: change.result }))
    }
    case 'fail': {
      const late = checkCurrent(task, change.attempt)
      if (late !== null) return stays(late)
      const failures = (hasStayedUp(task, change.at) ? 0 : task.failures) + (change.counts ? 1 : 0)
      const stderr = change.failure.stderr?.slice(-STDERR_CHARS_MAX)
      const failure = { ...change.failure, ...(stderr === undefined ? {} : { stderr }) }
      const next = { ...task, failures, attempts: endLast(task.attempts, { endedAt: change.at, failure }) }
      const isLast = task.spec.service === undefined && (change.final || failures >= task.spec.attemptsMax)
      if (isLast) return becomes(ended(next, 'dead', { at: change.at, seq: nextSeq() }))
      return becomes({ ...next, state: 'queued' })
    }
    case 'health': {
      const late = checkCurrent(task, change.attempt)
      if (late !== null) return stays(late)
      const current = currentAttempt(task)
      if (current === undefined || current.health === change.health) return stays()
      const { health, at } = change
      return becomes({ ...task, attempts: [...task.attempts.slice(0, -1), { ...current, health, healthAt: at }] })
    }
    case 'cancel': {
      if (isOver(task)) return stays()
      return becomes(ended(task, 'cancelled', { at: change.at, seq: nextSeq() }))
    }
  }
}

/** Whether the attempt of a service that ends at this moment was healthy once and so long under way that it is not started again any later for it. */
function hasStayedUp(task: TaskRecord, at: string): boolean {
  const current = currentAttempt(task)
  return current?.health !== undefined && Date.parse(at) - Date.parse(current.at) >= STAYED_UP_MS
}

/** Over, and without the input that nobody will read any more. */
function ended(
  whole: TaskRecord,
  state: 'succeeded' | 'dead' | 'cancelled',
  { at, seq, result }: { at: string; seq: number; result?: TaskRecord['result'] }
): TaskRecord {
  const { input: _input, ...task } = whole
  const attempts = task.state === 'running' ? endLast(task.attempts, { endedAt: at }) : task.attempts
  // Two clocks: what has just been submitted must not look like long over, by an orchestrator's that is behind.
  const finishedAt = at < task.submittedAt ? task.submittedAt : at
  return { ...task, state, attempts, endSeq: seq, finishedAt, ...(result === undefined ? {} : { result }) }
}

/** The last attempt with its end; an end that it has already stays. */
function endLast(attempts: readonly TaskAttempt[], end: Pick<TaskAttempt, 'endedAt' | 'failure'>): readonly TaskAttempt[] {
  const last = attempts.at(-1)
  return last === undefined ? attempts : [...attempts.slice(0, -1), { ...end, ...last }]
}

function checkCurrent(task: TaskRecord, attempt: number): Refused | null {
  if (task.state !== 'running') return stale(task, `it is ${task.state}`)
  return task.attempt === attempt ? null : stale(task, `attempt ${task.attempt} is under way, not ${attempt}`)
}

function stale({ id }: TaskRecord, why: string): Refused {
  return refused('stale', `task ${id} does not wait for this: ${why}`)
}

function refused(code: Refused['code'], message: string): Refused {
  return { type: 'refused', code, message }
}
