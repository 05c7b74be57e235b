import type { PeerId } from '../../model/ids.ts'
import { isOver, type TaskId } from '../../model/task.ts'
import type { FinalTask, TaskHistory, TaskRun } from './task-history.ts'
import { isDefect } from './judge.ts'

/** The tasks that one peer knows at the end. */
export interface FinalTasks {
  readonly peer: PeerId
  readonly tasks: ReadonlyMap<TaskId, FinalTask>
}

/**
 * Everything in a history of tasks that contradicts the promises, as sentences; empty when all is well. `overlapMs`: so long two runs of one task
 * may have been seen at once by clocks that differ.
 */
export function taskContradictions(
  { submissions, told, runs }: TaskHistory,
  finals: readonly FinalTasks[],
  { overlapMs = 0 }: { overlapMs?: number } = {}
): readonly string[] {
  const found: string[] = []
  const ids = new Map<string, TaskId>()
  for (const { key, id, end, gateway } of submissions) {
    if (end?.type === 'error' && isDefect(end)) found.push(`the task ${key} was answered by ${gateway} with ${end.code}: ${end.message}`)
    if (id === undefined) continue
    const first = ids.get(key) ?? id
    ids.set(key, first)
    if (first !== id) found.push(`the key ${key} was acknowledged as ${first} and as ${id}`)
  }
  for (const { peer, tasks } of finals) {
    for (const [key, id] of ids) if (!tasks.has(id)) found.push(`the task ${id} (${key}) was acknowledged, and ${peer} does not know it`)
    found.push(...judgeFinals(peer, tasks, runs))
  }
  for (const { id, by, state, output } of told) {
    for (const { peer, tasks } of finals) {
      const last = tasks.get(id)
      if (last !== undefined && (last.state !== state || last.output !== output))
        found.push(`${by} told that ${id} is ${state} with ${output}, ${peer} says ${last.state} with ${last.output}`)
    }
  }
  return [...found, ...judgeRuns(runs, overlapMs)]
}

function judgeFinals(peer: PeerId, tasks: FinalTasks['tasks'], runs: readonly TaskRun[]): readonly string[] {
  const found: string[] = []
  const keys = new Map<string, TaskId>()
  for (const [id, { key, state, failures, attemptsMax, output, isService }] of tasks) {
    const isKept = isService && state === 'running'
    if (isKept && !runs.some(run => run.task === id && run.endMs === undefined))
      found.push(`the service ${id} runs nowhere, ${peer} says that it does`)
    if (isService && isOver({ state }) && state !== 'cancelled') found.push(`the service ${id} is ${state} on ${peer}`)
    if (!isOver({ state }) && !isKept) found.push(`${id} is still ${state} on ${peer}`)
    if (!isService && failures > attemptsMax) found.push(`${id} has failed ${failures} times of ${attemptsMax} on ${peer}`)
    if (state === 'dead' && failures < attemptsMax) found.push(`${id} is dead after ${failures} of ${attemptsMax} failures on ${peer}`)
    if (state === 'succeeded' && !runs.some(run => run.task === id && run.output === output))
      found.push(`${id} has the result ${output} on ${peer}, which no run of it has made`)
    const other = key === undefined ? undefined : keys.get(key)
    if (other !== undefined) found.push(`${peer} has two tasks for the key ${key}: ${other} and ${id}`)
    if (key !== undefined) keys.set(key, id)
  }
  return found
}

/** An attempt begins once, and ends before the next one of its task begins. */
function judgeRuns(runs: readonly TaskRun[], overlapMs: number): readonly string[] {
  const found: string[] = []
  for (const [id, ofTask] of Map.groupBy(runs, ({ task }) => task)) {
    const inOrder = ofTask.toSorted((a, b) => a.startMs - b.startMs)
    for (const [index, run] of inOrder.entries()) {
      const before = inOrder[index - 1]
      if (before === undefined) continue
      if (before.attempt >= run.attempt)
        found.push(`attempt ${run.attempt} of ${id} began on ${run.worker} after attempt ${before.attempt}`)
      if ((before.endMs ?? Number.POSITIVE_INFINITY) > run.startMs + overlapMs) {
        found.push(
          `attempt ${run.attempt} of ${id} began on ${run.worker} at ${run.startMs.toFixed(0)} ms, attempt ${before.attempt} on ${before.worker} ran until ${before.endMs?.toFixed(0) ?? 'the end'}`
        )
      }
    }
  }
  return found
}
