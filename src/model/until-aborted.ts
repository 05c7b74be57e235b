/** The promise's outcome, or the signal's reason if that comes first. What is behind the promise goes on; if it fails later, nobody is told. */
export function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Value>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  return outcome
}
