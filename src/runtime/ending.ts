import { CaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import { formatDurationMs } from '../model/units.ts'

/** For a caller who was not answered in time, where nothing better is known. */
const MORE_TIME = 'give it more time: --timeout of the upload, or x-cares-timeout of the call, whichever is shorter'

/** The ways in which one call can be cut short, as one signal. The first cause wins, and its reason is always a CaresError. */
export interface Ending {
  readonly signal: AbortSignal
  /** All the time that the call has. */
  readonly timeoutMs: number
  /** Cuts the call short for another reason; without effect after the first. */
  cut(error: CaresError): void
  /** Stops listening: the call has ended by itself. */
  close(): void
}

/** Watches the caller's signal and the call's own time. `overdue` is asked what to say when the time is up. */
export function createEnding({
  clock,
  signal,
  timeoutMs,
  overdue = () => notAnswered(timeoutMs)
}: {
  clock: Clock
  signal: AbortSignal
  timeoutMs: number
  overdue?: () => CaresError
}): Ending {
  const controller = new AbortController()
  const onAbort = (): void => cut(toCancelled(signal.reason))
  const onTimeout = (): void => controller.abort(overdue())
  const timer = clock.after(timeoutMs, onTimeout)
  const close = (): void => {
    timer[Symbol.dispose]()
    signal.removeEventListener('abort', onAbort)
  }
  const cut = (error: CaresError): void => {
    close()
    controller.abort(error)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return { signal: controller.signal, timeoutMs, cut, close }
}

/** A call that was not answered in its time. */
export function notAnswered(timeoutMs: number, hint = MORE_TIME): CaresError {
  return new CaresError('timeout', `no answer within ${formatDurationMs(timeoutMs)}`, { hint })
}

/** A task that was still running when the time of its attempt was up. */
export function notEnded(timeoutMs: number): CaresError {
  return new CaresError('timeout', `it had not ended within ${formatDurationMs(timeoutMs)}`, {
    hint: 'give it more time: --timeout of the run'
  })
}

/** What a caller's abort means for its call: its own CaresError if it gave one, else `cancelled`. */
export function toCancelled(reason: unknown): CaresError {
  return reason instanceof CaresError ? reason : new CaresError('cancelled', 'the caller went away', { cause: reason })
}
