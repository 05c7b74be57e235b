import { type CaresError, ERROR_CODES, type ErrorCode, isErrorCode, type Json } from '../model/errors.ts'
import type { Problem } from '../model/rest.ts'

/** The HTTP status of each code. 499 is nginx's "client closed request": nobody is left to read it, but it stands in the log. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  limit_reached: 409,
  revision_mismatch: 412,
  too_large: 413,
  invalid: 422,
  image_not_found: 422,
  image_unsupported: 422,
  overloaded: 429,
  cancelled: 499,
  function_failed: 500,
  out_of_memory: 500,
  internal: 500,
  incompatible: 501,
  function_protocol: 502,
  peer_lost: 502,
  peer_unreachable: 502,
  protocol: 502,
  no_capacity: 503,
  no_orchestrator: 503,
  no_quorum: 503,
  fenced: 503,
  not_orchestrator: 503,
  peer_draining: 503,
  busy: 503,
  withdrawn: 503,
  stale: 503,
  runtime_unavailable: 503,
  disk_failed: 503,
  stopping: 503,
  timeout: 504
}

/** A `bad_request` that HTTP has a narrower status for; every other code has the one status of {@link HTTP_STATUS}. */
export type RefinedStatus = 405 | 408 | 414 | 415 | 431

/** An error on its way to a client: what is sent, and with which headers. */
export interface ProblemAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly problem: Problem
  /** The problem as JSON, with nothing in it that could begin a tag should anybody take it for a page. */
  readonly body: string
}

/** Media type of {@link Problem}. */
export const PROBLEM_TYPE = 'application/problem+json'

/** A client that is told to come back but not when waits this long. */
const RETRY_AFTER_MS = 1_000

/** A path is repeated to the client in its problem document, but not at any length. */
const INSTANCE_CHARACTERS_MAX = 256

/** Members of a problem document that details may not replace. */
const RESERVED = new Set(['type', 'title', 'status', 'code', 'detail', 'hint', 'instance', 'retryable'])

/** The answer for an error (RFC 9457). `url` is the request's target; its query is left out, as it may hold secrets. */
export function problemAnswer(error: CaresError, url: string, refined?: RefinedStatus): ProblemAnswer {
  // A newer peer may send codes that this one does not know.
  const code = isErrorCode(error.code) ? error.code : 'internal'
  const status = (code === 'bad_request' ? refined : undefined) ?? HTTP_STATUS[code]
  const retryAfterMs = retryAfter(error, status)
  const details = Object.entries(error.details).filter(([key]) => !RESERVED.has(key))
  const problem = {
    ...Object.fromEntries(details),
    type: `urn:cares:error:${code}`,
    title: ERROR_CODES[code],
    status,
    code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    instance: url.split(/[?#]/, 1)[0]?.slice(0, INSTANCE_CHARACTERS_MAX) ?? '',
    retryable: error.retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs })
  } as Problem
  const body = JSON.stringify(problem).replace(/[<>&]/g, character => `\\u00${character.charCodeAt(0).toString(16)}`)
  return { status, problem, body, headers: problemHeaders(error, status, retryAfterMs) }
}

function problemHeaders(error: CaresError, status: number, retryAfterMs: number | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, 'x-content-type-options': 'nosniff' }
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1_000)))
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="cares"'
  const { invocation } = error.details
  if (isHeaderSafe(invocation)) headers['x-cares-invocation'] = invocation
  return headers
}

function retryAfter(error: CaresError, status: number): number | undefined {
  const { retryAfterMs } = error.details
  if (typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) && retryAfterMs >= 0) return retryAfterMs
  return status === 429 ? RETRY_AFTER_MS : undefined
}

function isHeaderSafe(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value)
}
