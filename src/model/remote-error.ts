import { CaresError, isErrorCode, type Json, toCaresError } from './errors.ts'
import type { RemoteError } from './invocation.ts'

/** An error, ready to travel. `started: false` promises that the work did not start and will not. */
export function toRemoteError(error: unknown, { started }: { started: boolean }): RemoteError {
  const { code, message, hint, retryable, details } = toCaresError(error)
  return { code, message, hint, retryable, details: JSON.stringify(details), started }
}

/** The error that a peer sent, with its code. A code that this version does not know becomes `internal`; the message is kept. */
export function fromRemoteError({ code, message, hint, retryable, details }: RemoteError): CaresError {
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
