import type { FunctionRecord } from '../../model/function.ts'
import type { TaskRequest } from '../../model/task-service.ts'

/** What one task asks its program to do. It travels in the task's environment. */
export interface TaskWork {
  /** Tells the task from all others. */
  readonly key: string
  readonly latencyMs: number
  /** So many first attempts end with a failure. */
  readonly failures: number
  /** It has no end of its own: its attempts but the first ones that fail run for ever. */
  readonly isService: boolean
}

/** Memory of one service. Every machine has room for all of them beside its other work, since they never make room for that. */
export const SERVICE_BYTES = 16 * 2 ** 20

/** Longer than any task of these: whatever hangs is a defect. */
const TIMEOUT_MS = 20_000

/** A client's request for that work, with so many attempts. */
export function taskRequest(work: TaskWork, attempts: number): TaskRequest {
  if (work.isService) return { image: 'task', name: work.key, env: { WORK: JSON.stringify(work) }, memoryBytes: SERVICE_BYTES, service: {} }
  return { image: 'task', name: work.key, env: { WORK: JSON.stringify(work) }, timeoutMs: TIMEOUT_MS, attempts }
}

/** What an attempt is to do: its work, and which attempt of which task it is. */
export function readTaskWork({ env }: FunctionRecord): TaskWork & { readonly task: string; readonly attempt: number } {
  return { ...(JSON.parse(env['WORK'] ?? '{}') as TaskWork), task: env['CARES_TASK'] ?? '', attempt: Number(env['CARES_ATTEMPT']) }
}
