import { applyTaskChanges, noTasks } from '../../src/core/tasks/apply-changes.ts'
import type { Digest, PeerId } from '../../src/model/ids.ts'
import type { TaskChange, TaskId, TaskResult, TaskSpec, TaskTables } from '../../src/model/task.ts'

/** A task's spec with nothing special about it. */
export function sampleTaskSpec(changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    name: 'report',
    image: 'acme/report:1',
    digest: 'sha256:report' as Digest,
    imageBytes: 1_000,
    args: [],
    env: {},
    network: 'none',
    cpus: 0.5,
    memoryBytes: 2 ** 27,
    timeoutMs: 60_000,
    attemptsMax: 3,
    ...changes
  }
}

/** The change that submits it. */
export function sampleSubmit(changes: Partial<Extract<TaskChange, { type: 'submit' }>> = {}): Extract<TaskChange, { type: 'submit' }> {
  return {
    type: 'submit',
    id: 't-1' as TaskId,
    fingerprint: 'f',
    spec: sampleTaskSpec(),
    gateway: 'atlas' as PeerId,
    at: '2026-01-01T00:00:00.000Z',
    ...changes
  }
}

/** What an attempt may have brought. */
export function sampleResult(changes: Partial<TaskResult> = {}): TaskResult {
  const usage = { queueMs: 0, pullMs: 0, startMs: 1, runMs: 1, bytesIn: 0, bytesOut: 1 }
  return { exitCode: 0, output: { bytes: 1, inline: 'AA==' }, usage, ...changes }
}

/** The tables after these changes. */
export function tasksWith(...changes: readonly TaskChange[]): TaskTables {
  return applyTaskChanges(noTasks(), changes).tables
}
