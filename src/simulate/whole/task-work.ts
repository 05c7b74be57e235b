import type { FunctionRecord } from '../../model/function.ts'
import type { TaskRequest } from '../../model/task-service.ts'

/** What one task asks its program to do. It travels in the task's environment. */
export interface TaskWork {
  /** Tells the task from all others. */
  readonly key: string
  readonly latencyMs: number
  /** So many first attempts end with a failure. */
  readonly failures: number
}

/** Longer than any task of these: whatever hangs is a defect. */
const TIMEOUT_MS = 20_000

/** A client's request for that work, with so many attempts. */
export function taskRequest(work: TaskWork, attempts: number): TaskRequest {
  return { image: 'task', name: work.key, env: { WORK: JSON.stringify(work) }, timeoutMs: TIMEOUT_MS, attempts }
}

/** What an attempt is to do: its work, and which attempt of which task it is. */
export function readTaskWork({ env }: FunctionRecord): TaskWork & { readonly task: string; readonly attempt: number } {
  return { ...(JSON.parse(env['WORK'] ?? '{}') as TaskWork), task: env['CARES_TASK'] ?? '', attempt: Number(env['CARES_ATTEMPT']) }
}
