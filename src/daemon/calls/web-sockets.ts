import { CaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import { type AnswerHead, SWITCHING_PROTOCOLS, WEB_SOCKET_MS_MAX } from '../../model/invocation.ts'
import type { InvocationRequest } from '../../model/service.ts'

/** Whether the answer has made a WebSocket of the call. */
export function isOpen(head: AnswerHead | undefined): boolean {
  return head?.status === SWITCHING_PROTOCOLS
}

/** Throws `incompatible` for a call that asks for a WebSocket of a function that cannot have one. */
export function checkWebSocket(fn: FunctionRecord, { head }: InvocationRequest): void {
  if (head.webSocket !== true || fn.contract === 'http') return
  throw new CaresError('incompatible', `${fn.name} reads its input from stdin, which no WebSocket can be`, {
    hint: 'send an HTTP request, whose answer may stream; or upload a server with --contract http'
  })
}

/** How long a call may take until its answer begins, and how long in all: a WebSocket opens in the time that a call may take, and then goes on. */
export function timesOf(
  fn: FunctionRecord,
  { head, timeoutMs = fn.timeoutMs }: InvocationRequest
): { answerMs: number; deadlineMs: number } {
  const answerMs = Math.min(fn.timeoutMs, timeoutMs)
  return { answerMs, deadlineMs: head.webSocket === true ? WEB_SOCKET_MS_MAX : answerMs }
}
