import { type CaresError, type ErrorCode, toCaresError } from '../../model/errors.ts'
import type { Usage } from '../../model/invocation.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { ExecutionAnswer, Runtime, ServiceRun } from '../../model/ports/runtime.ts'
import type { AttemptReport, TaskOrder } from '../../model/task.ts'
import type { Payloads } from './payloads.ts'
import { executionId, taskFunction } from './task-function.ts'

/** From SIGTERM to SIGKILL for a task that is cancelled, moved or out of time, so that its program can finish or undo a step. */
const STOP_GRACE_MS = 5_000

/** Failures before anything of the task has run: the attempt does not count, and another worker, or this one later, may run the task. */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(['busy', 'runtime_unavailable', 'peer_draining', 'stopping', 'stale'])
/** Failures that would hit every further attempt, too. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['image_unsupported', 'invalid', 'too_large'])

/** What {@link runAttempt} needs of the worker. */
export interface AttemptRunnerComponents {
  readonly runtime: Runtime
  readonly payloads: Payloads
  readonly clock: Clock
  /** A line that a task wrote to stdout, for its log. */
  readonly onOutput: (order: TaskOrder, chunk: Uint8Array) => void
  /** What an attempt has used that brings no result. */
  readonly onFailed: (usage: Usage) => void
}

/** Runs one attempt to its end, whatever the end is, and says what it came to. Never rejects. */
export async function runAttempt(
  order: TaskOrder,
  { runtime, payloads, clock, onOutput, onFailed }: AttemptRunnerComponents,
  { signal }: { signal: AbortSignal }
): Promise<AttemptReport> {
  const { task, attempt } = order
  const ref = { task: task.id, attempt }
  const arrivedMs = clock.nowMs()
  let hasBegun = false
  try {
    const input = await payloads.open(task.input, { signal })
    hasBegun = true
    const answer = await runtime.execute(
      taskFunction(task, attempt),
      {
        invocation: executionId(task.id),
        head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: task.input?.bytes ?? 0 },
        body: input,
        task: { args: task.spec.args, stopGraceMs: STOP_GRACE_MS },
        onFailed: ({ usage }) => onFailed(usage)
      },
      { signal, timeoutMs: task.spec.timeoutMs }
    )
    answer.end.catch(() => {}) // Awaited below; an output that throws first must not leave it unobserved.
    const output = await payloads.keep(heard(answer, order, onOutput), { patient: true, signal })
    const { usage, exitCode = 0 } = await answer.end
    return {
      ...ref,
      end: {
        type: 'succeeded',
        result: { exitCode, output, usage: { ...usage, queueMs: Math.max(0, clock.nowMs() - arrivedMs - sum(usage)) } }
      }
    }
  } catch (err) {
    const error = toCaresError(signal.aborted ? signal.reason : err)
    const counts = hasBegun && !NOT_BEGUN.has(error.code)
    return { ...ref, end: { type: 'failed', failure: failureOf(error), counts, final: isFinal(error, hasBegun) } }
  }
}

/** What {@link runServiceAttempt} needs of the worker. */
export interface ServiceRunnerComponents {
  readonly runtime: Runtime
  /** See `ServiceRun.onHealth`. */
  readonly onHealth: ServiceRun['onHealth']
}

/** Runs one attempt of a service, which is over when its program is, however it has ended: it never succeeds. Never rejects. */
export async function runServiceAttempt(
  { task, attempt }: TaskOrder,
  { runtime, onHealth }: ServiceRunnerComponents,
  { signal }: { signal: AbortSignal }
): Promise<AttemptReport> {
  const run = { invocation: executionId(task.id), task: { args: task.spec.args, stopGraceMs: STOP_GRACE_MS }, onHealth }
  const error = await runtime
    .serve(taskFunction(task, attempt), run, { signal })
    .catch((err: unknown) => toCaresError(signal.aborted ? signal.reason : err))
  return { task: task.id, attempt, end: { type: 'failed', failure: failureOf(error), counts: !NOT_BEGUN.has(error.code), final: false } }
}

/** An input that nobody has any more will not come back; one that cannot be fetched now may. */
function isFinal({ code }: CaresError, hasBegun: boolean): boolean {
  return FINAL.has(code) || (!hasBegun && code === 'not_found')
}

/** What it writes, with whoever listens told of it. Ends when the program has ended well, so that nothing is kept of one that failed. */
async function* heard(
  { body, end }: ExecutionAnswer,
  order: TaskOrder,
  onOutput: AttemptRunnerComponents['onOutput']
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) {
    onOutput(order, chunk)
    yield chunk
  }
  await end
}

function failureOf({ code, message, details }: CaresError): Extract<AttemptReport['end'], { type: 'failed' }>['failure'] {
  const { exitCode, stderr } = details
  return {
    code,
    message: message.slice(0, MESSAGE_CHARS_MAX),
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(typeof stderr === 'string' ? { stderr } : {})
  }
}

/** A message is one sentence; a remote's may be anything. */
const MESSAGE_CHARS_MAX = 1_024

function sum({ pullMs, startMs, runMs }: { pullMs: number; startMs: number; runMs: number }): number {
  return pullMs + startMs + runMs
}
