import { currentAttempt, isOver, type ServiceSpec, type TaskAttempt, type TaskFailure, type TaskRecord } from '../../model/task.ts'
import type { TaskItem, TaskServiceItem } from '../../model/rest-tasks.ts'
import type { PeerRef } from './names.ts'

/** A task as clients see it. */
export function taskView(task: TaskRecord, name: (id: string) => PeerRef): TaskItem {
  const { id, spec, state, attempt, failures, attempts, result, input } = task
  const last = attempts.at(-1)
  const failureOf = ({ worker, failure }: TaskAttempt): TaskFailure | null =>
    failure === undefined ? null : { ...failure, message: failure.message.replaceAll(worker, () => name(worker).name) }
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
    timeoutMs: spec.service === undefined ? spec.timeoutMs : null,
    idempotencyKey: task.key ?? null,
    gateway: name(task.gateway),
    worker: last === undefined ? null : name(last.worker),
    attempt,
    failures,
    attemptsMax: spec.service === undefined ? spec.attemptsMax : null,
    attempts: attempts.map(one => ({
      attempt: one.attempt,
      worker: name(one.worker),
      startedAt: one.at,
      endedAt: one.endedAt ?? null,
      failure: failureOf(one)
    })),
    submittedAt: task.submittedAt,
    startedAt: currentAttempt(task)?.at ?? (isOver(task) ? (last?.at ?? null) : null),
    finishedAt: task.finishedAt ?? null,
    inputBytes: input?.bytes ?? result?.usage.bytesIn ?? 0,
    outputBytes: result?.output.bytes ?? null,
    exitCode: result?.exitCode ?? last?.failure?.exitCode ?? null,
    error: state === 'succeeded' || last === undefined ? null : failureOf(last),
    usage: result?.usage ?? null,
    service: spec.service === undefined ? null : serviceView(task, spec.service)
  }
}

function serviceView(task: TaskRecord, { publish, port, health }: ServiceSpec): TaskServiceItem {
  const current = currentAttempt(task)
  return {
    publish: publish ?? null,
    port: port ?? null,
    healthPath: health ?? null,
    health: isOver(task) ? null : current === undefined ? 'waiting' : (current.health ?? 'starting'),
    healthSince: current?.healthAt ?? null,
    restarts: Math.max(0, task.attempt - 1)
  }
}
