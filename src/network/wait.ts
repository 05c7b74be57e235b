import { CaresError, toCaresError } from '../model/errors.ts'

/** `promise`, or the signal's reason if that comes first. The work behind the promise goes on for others who wait for it. */
export async function until<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** What an aborted wait for a peer means: out of time is `peer_unreachable`, anything else is what the caller aborted with. */
export function abortedWait(signal: AbortSignal, peer: string): CaresError {
  const reason: unknown = signal.reason
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new CaresError('peer_unreachable', `no answer from ${peer} in time`, { retryable: true, cause: reason })
  }
  return toCaresError(reason)
}
