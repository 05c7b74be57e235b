import type { ServerResponse } from 'node:http'
import { CaresError } from '../model/errors.ts'

/** Aborted with `cancelled` when the caller goes away before its response has ended. */
export function callerGone(response: ServerResponse): { readonly signal: AbortSignal; abort(reason: CaresError): void } {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new CaresError('cancelled', 'the caller went away'))
  })
  return { signal: controller.signal, abort: reason => controller.abort(reason) }
}
