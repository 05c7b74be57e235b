import { CaresError, toCaresError } from '../model/errors.ts'

/** What an aborted wait for a peer means: out of time is `peer_unreachable`, anything else is what the caller aborted with. */
export function abortedWait(signal: AbortSignal, peer: string): CaresError {
  const reason: unknown = signal.reason
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new CaresError('peer_unreachable', `no answer from ${peer} in time`, { retryable: true, cause: reason })
  }
  return toCaresError(reason)
}
