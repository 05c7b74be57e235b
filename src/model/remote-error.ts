import { CaresError, isErrorCode, type Json, toCaresError } from './errors.ts'
import type { RemoteError } from './invocation.ts'

/** Message and hint of an error that travels. */
export const ERROR_CHARS_MAX = 8_192
/** Details of an error that travels, as JSON: the end of a function's stderr fits, with room for what else there is. */
export const DETAILS_CHARS_MAX = 65_536

/**
 * An error, ready to travel, cut to what the other side accepts; details that are too large are left out. `started: false` promises that
 * the work did not start and will not.
 */
export function toRemoteError(error: unknown, { started }: { started: boolean }): RemoteError {
  const { code, message, hint, retryable, details } = toCaresError(error)
  const text = JSON.stringify(details)
  return {
    code,
    message: message.slice(0, ERROR_CHARS_MAX),
    ...(hint === undefined ? {} : { hint: hint.slice(0, ERROR_CHARS_MAX) }),
    retryable,
    details: text.length > DETAILS_CHARS_MAX ? '{}' : text,
    started
  }
}

/** The error that a peer sent, with its code. A code that this version does not know becomes `internal`; the message is kept. */
export function fromRemoteError({ code, message, hint, retryable, details }: Omit<RemoteError, 'started'>): CaresError {
  return new CaresError(isErrorCode(code) ? code : 'internal', message, { hint, retryable, details: parseDetails(details) })
}

function parseDetails(text: string): { readonly [key: string]: Json } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { [key: string]: Json }) : {}
  } catch {
    return {} // Details are an extra: an error whose details cannot be read is still that error.
  }
}
