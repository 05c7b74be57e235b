import { CaresError, isErrorCode, type Json } from '../model/errors.ts'
import type { RemoteError } from '../model/invocation.ts'
import { DETAILS_CHARS_MAX, ERROR_CHARS_MAX } from './limits.ts'

/** `error` in the form in which it travels, cut to what the other side accepts. Details that are too large are left out. */
export function toRemoteError(error: CaresError, { started }: { started: boolean }): RemoteError {
  const details = JSON.stringify(error.details)
  return {
    code: error.code,
    message: cut(error.message),
    ...(error.hint === undefined ? {} : { hint: cut(error.hint) }),
    retryable: error.retryable,
    details: details.length > DETAILS_CHARS_MAX ? '{}' : details,
    started
  }
}

/** The error that came from another peer. A code that this version does not know becomes `internal`; the message is kept. */
export function fromRemoteError(error: Omit<RemoteError, 'started'>): CaresError {
  return new CaresError(isErrorCode(error.code) ? error.code : 'internal', error.message, {
    hint: error.hint,
    retryable: error.retryable,
    details: JSON.parse(error.details) as { readonly [key: string]: Json }
  })
}

function cut(value: string): string {
  return value.slice(0, ERROR_CHARS_MAX)
}
