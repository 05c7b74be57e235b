import { currentAttempt, isOver, type TaskRecord } from '../../model/task.ts'
import type { TaskItem } from '../../model/rest-tasks.ts'
import type { PeerRef } from './names.ts'

/** A task as clients see it. */
export function taskView(task: TaskRecord, name: (id: string) => PeerRef): TaskItem {
  const { id, spec, state, attempt, failures, attempts, result, input } = task
  const last = attempts.at(-1)
  return {
    id,
    name: spec.name,
    state,
    image: spec.image,
    digest: spec.digest,
    ...(spec.arch === undefined ? {} : { arch: spec.arch }),
    function: spec.function ?? null,
    args: spec.args,
    env: { ...spec.env },
    network: spec.network,
    cpus: spec.cpus,
    memoryBytes: spec.memoryBytes,
    ...(spec.placement === undefined ? {} : { placement: spec.placement }),
    timeoutMs: spec.timeoutMs,
    idempotencyKey: task.key ?? null,
    gateway: name(task.gateway),
    worker: last === undefined ? null : name(last.worker),
    attempt,
    failures,
    attemptsMax: spec.attemptsMax,
    attempts: attempts.map(one => ({
      attempt: one.attempt,
      worker: name(one.worker),
      startedAt: one.at,
      endedAt: one.endedAt ?? null,
      failure: one.failure ?? null
    })),
    submittedAt: task.submittedAt,
    startedAt: currentAttempt(task)?.at ?? (isOver(task) ? (last?.at ?? null) : null),
    finishedAt: task.finishedAt ?? null,
    inputBytes: input?.bytes ?? result?.usage.bytesIn ?? 0,
    outputBytes: result?.output.bytes ?? null,
    exitCode: result?.exitCode ?? last?.failure?.exitCode ?? null,
    error: state === 'succeeded' ? null : (last?.failure ?? null),
    usage: result?.usage ?? null
  }
}
