import { CaresError, toCaresError } from '../model/errors.ts'

/** What the start of a peer most often fails of, in words that say what to change. */
export function startError(error: unknown): CaresError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const reason = code === 'EADDRINUSE' ? 'the address is in use' : 'this user may not listen there'
    return new CaresError('conflict', `cannot start: ${reason} (${message})`, {
      hint: 'cares peer --http HOST:PORT --listen /ip4/0.0.0.0/tcp/PORT',
      cause: error
    })
  }
  const failure = toCaresError(error)
  const hint = failure.hint ?? START_HINTS[failure.code]
  return new CaresError(failure.code, `cannot start: ${failure.message}`, {
    hint,
    retryable: failure.retryable,
    details: failure.details,
    cause: error
  })
}

const START_HINTS: Readonly<Partial<Record<CaresError['code'], string>>> = {
  conflict: 'cares peer --data DIR   (each peer needs its own)',
  peer_unreachable: 'check the cluster id, and that its machine can be reached from here',
  timeout: 'check the cluster id, and that its machine can be reached from here',
  unauthorized: 'check the part of the cluster id after #: it is the secret',
  runtime_unavailable: 'start Docker, or: cares peer --runtime process   (no isolation)'
}
