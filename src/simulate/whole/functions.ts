import { CaresError } from '../../model/errors.ts'
import type { ExecutionCall } from '../../model/ports/runtime.ts'
import type { FunctionRequest } from '../../model/service.ts'
import type { FakeOutcome } from '../fake-runtime.ts'

/** What one call asks its function to do. It travels as the path and query of the call. */
export interface Work {
  readonly key: string
  /** Until the head of the answer. */
  readonly latencyMs: number
  readonly pieces: number
  readonly pieceEveryMs: number
  readonly pieceBytes: number
  readonly fails: boolean
  /** Its body is too long to travel inside the call. */
  readonly isLong: boolean
}

/** The functions that simulated clients call. They differ in what may be repeated. */
export const FUNCTIONS: readonly (FunctionRequest & { readonly timeoutMs: number; readonly idempotent: boolean })[] = [
  { name: 'once', image: 'once', timeoutMs: 2_500, idempotent: false },
  { name: 'again', image: 'again', timeoutMs: 2_500, idempotent: true }
]

/** The way from a client's wish to {@link readWork}. */
export function writeWork({ key, ...rest }: Work): { readonly path: string; readonly query: string } {
  return { path: `/${key}`, query: JSON.stringify(rest) }
}

/** What a call asks for. */
export function readWork({ head }: ExecutionCall): Work {
  return { key: head.path.slice(1), ...(JSON.parse(head.query) as Omit<Work, 'key'>) }
}

/** What a run answers: like no other run, so that an answer tells whose it is, down to the last byte. */
export function outcomeOf({ key, latencyMs, pieces, pieceEveryMs, pieceBytes, fails }: Work, run: string): FakeOutcome {
  const answer = Array.from({ length: pieces }, (_, index) => Buffer.from(`${key}.${run}.${index} `.padEnd(pieceBytes, '.')))
  return {
    latencyMs,
    answer: fails && pieces === 1 ? undefined : answer,
    pieceEveryMs,
    error: fails ? new CaresError('function_failed', 'it was told to') : undefined
  }
}
