import { CaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { InvocationId } from '../../model/ids.ts'
import type { AnswerHead, InvocationRecord, Placed, Run, Usage } from '../../model/invocation.ts'
import type { Span } from '../../model/ports/tracer.ts'
import { formatDurationMs } from '../../model/units.ts'
import type { GatewayCall } from './gateway-call.ts'
import type { Keyed } from './request-print.ts'

/** The error of a call that timed out mentions its wait for room if that took at least this share of the function's timeout. */
const WAITED_RATIO_MIN = 0.1

/** A call that its gateway has accepted and not yet ended. */
export interface RunningCall {
  readonly id: InvocationId
  readonly fn: FunctionRecord
  readonly keyed: Keyed | undefined
  /** When the call arrived: that its function was looked for counts, too. */
  readonly startedMs: number
  readonly abort: AbortController
  /** Where calls are traced. */
  readonly span: Span | undefined
  /** What became of it; undefined while its body is read. */
  call: GatewayCall | undefined
  placed: Placed | undefined
  /** When a place was asked for, and when there was one: the last, if there were several. */
  askedMs: number
  placedMs: number | undefined
  head: AnswerHead | undefined
  /** What it had taken when it failed. */
  failed: Run | undefined
}

/** How a call ended. */
export type Outcome = { readonly usage: Usage; readonly error?: undefined } | { readonly usage?: undefined; readonly error: CaresError }

/** What is known of a call once it has ended, for its record. */
export function finished(
  { head, failed }: RunningCall,
  { error, usage = failed?.usage }: Outcome,
  totalMs: number
): Partial<InvocationRecord> {
  const start = head?.start ?? failed?.start
  return {
    state: error === undefined ? 'succeeded' : 'failed',
    totalMs,
    ...(start === undefined ? {} : { start }),
    ...(head === undefined ? {} : { status: head.status }),
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } })
  }
}

/** Why a peer that stops takes no call, and ends those that it has. */
export function stopping(): CaresError {
  return new CaresError('stopping', 'this peer is stopping', { retryable: true })
}

/** A call that has just arrived. */
export function runningCall(call: Pick<RunningCall, 'id' | 'fn' | 'keyed' | 'startedMs' | 'span'>): RunningCall {
  const { id, fn, keyed, startedMs, span } = call
  const abort = new AbortController()
  return {
    id,
    fn,
    keyed,
    startedMs,
    abort,
    span,
    call: undefined,
    placed: undefined,
    askedMs: startedMs,
    placedMs: undefined,
    head: undefined,
    failed: undefined
  }
}

/** A call that had no time left for its work because it had waited may come back: it is told when, as one that was refused. */
export function toldOfWait({ fn, askedMs, placedMs }: RunningCall, error: CaresError): CaresError {
  if (error.code !== 'timeout' || placedMs === undefined || 'retryAfterMs' in error.details) return error
  const waitedMs = Math.round(placedMs - askedMs)
  if (waitedMs < fn.timeoutMs * WAITED_RATIO_MIN) return error
  return new CaresError('timeout', `${error.message}, of which ${formatDurationMs(waitedMs)} went by before there was room`, {
    retryable: error.retryable,
    cause: error,
    hint: error.hint ?? 'try again later, give the call more time, or add a peer',
    details: { ...error.details, retryAfterMs: waitedMs }
  })
}
