/**
 * Every failure that CARES names, with what it means. A code has one spelling everywhere: thrown, on the wire, in problem documents and as a
 * metric label. `api/` maps each to an HTTP status, `faces/cli/` to an exit code.
 */
export const ERROR_CODES = {
  bad_request: 'the request could not be read',
  invalid: 'a field of the request has a value that is not allowed',
  unauthorized: 'the request needs a token, or carries a wrong one',
  not_found: 'there is nothing by that name or id',
  conflict: 'the request contradicts what exists',
  revision_mismatch: 'the object has another revision than the request expects',
  limit_reached: 'a limit of the cluster on how many of these it keeps is reached',
  too_large: 'the request or one part of it is larger than allowed',
  image_not_found: 'no engine or registry that was asked has the image',
  image_unsupported: 'the image cannot be run as a function here',
  overloaded: 'there is more work than can be taken on now; try again later',
  function_failed: 'the function ran and failed',
  out_of_memory: 'the function was killed at its memory limit',
  function_protocol: 'the function broke its contract',
  cancelled: 'the caller went away or cancelled',
  timeout: 'the work did not end in time',
  no_capacity: 'no peer can take the work now',
  no_orchestrator: 'no orchestrator is known or reachable',
  no_quorum: 'a majority of the voters is not reachable, so nothing can be agreed',
  fenced: 'this peer takes no part in what is agreed any more; other peers do',
  not_orchestrator: 'this peer is not the orchestrator',
  peer_lost: 'the peer that had the work was lost, and whether it finished is not known',
  peer_unreachable: 'the peer could not be reached',
  peer_draining: 'the peer takes no new work',
  busy: 'the worker has no room for the work at this moment',
  withdrawn: 'the worker has promised not to run this attempt',
  stale: 'the order is of an older term, session or attempt',
  runtime_unavailable: 'the container engine does not answer',
  disk_failed: 'the disk of this peer cannot be used, or what it holds is damaged',
  incompatible: 'the other side speaks another version',
  protocol: 'the other side broke the protocol',
  stopping: 'this peer is stopping',
  internal: 'something that should not happen happened'
} as const

/** One of the names in {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** What a {@link CaresError} says beside its code and message. */
export interface CaresErrorOptions {
  /** What the reader can do about it, as one imperative sentence. */
  hint?: string | undefined
  /** Whether the same request may succeed later without a change. @default false */
  retryable?: boolean | undefined
  /** Facts for programs, e.g. `{ exitCode: 3, stderr: '…' }` or `{ retryAfterMs: 1000 }`. */
  details?: { readonly [key: string]: Json } | undefined
  cause?: unknown
}

/** The one error class that crosses a room's border. Branch on `code`, never on the message. */
export class CaresError extends Error {
  override readonly name = 'CaresError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly details: { readonly [key: string]: Json }

  constructor(code: ErrorCode, message: string, { hint, retryable = false, details = {}, cause }: CaresErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.retryable = retryable
    this.details = details
  }
}

/** Whether `value` is one of {@link ERROR_CODES}; a code from a newer peer may not be. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERROR_CODES, value)
}

/** `error` itself if it is a CaresError, else an `internal` error caused by it. An abort keeps the CaresError it was aborted with. */
export function toCaresError(error: unknown): CaresError {
  if (error instanceof CaresError) return error
  if (error instanceof Error && error.cause instanceof CaresError && error.name === 'AbortError') return error.cause
  if (error instanceof Error && error.name === 'AbortError') return new CaresError('cancelled', 'the work was cancelled', { cause: error })
  if (error instanceof Error && error.name === 'TimeoutError')
    return new CaresError('timeout', 'the work did not end in time', { cause: error })
  return new CaresError('internal', error instanceof Error ? error.message : String(error), { cause: error })
}

/** Ends a `switch` over a union: a member that was forgotten does not compile. */
export function assertNever(value: never): never {
  throw new Error(`no case for ${JSON.stringify(value)}`)
}
