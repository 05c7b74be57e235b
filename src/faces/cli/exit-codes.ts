import type { ErrorCode } from '../../model/errors.ts'

/** What the exit code of `cares` says. 128 + n: ended by signal n. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  refused: 5,
  notPlaced: 6,
  timedOut: 7,
  functionFailed: 8,
  interrupted: 130,
  terminated: 143
} as const

/** The exit code of each error code: a code that is added to the catalogue does not compile until it is given one here. */
export const EXIT_BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  bad_request: EXIT.usage,
  invalid: EXIT.usage,
  unauthorized: EXIT.refused,
  not_found: EXIT.notFound,
  conflict: EXIT.refused,
  revision_mismatch: EXIT.refused,
  limit_reached: EXIT.refused,
  too_large: EXIT.refused,
  image_not_found: EXIT.notFound,
  image_unsupported: EXIT.refused,
  overloaded: EXIT.notPlaced,
  function_failed: EXIT.functionFailed,
  out_of_memory: EXIT.functionFailed,
  function_protocol: EXIT.functionFailed,
  // Cancelled by somebody else: Ctrl-C here ends with 130.
  cancelled: EXIT.unexpected,
  timeout: EXIT.timedOut,
  no_capacity: EXIT.notPlaced,
  no_orchestrator: EXIT.refused,
  no_quorum: EXIT.refused,
  fenced: EXIT.refused,
  not_orchestrator: EXIT.unexpected,
  peer_lost: EXIT.unexpected,
  peer_unreachable: EXIT.unreachable,
  peer_draining: EXIT.notPlaced,
  busy: EXIT.notPlaced,
  withdrawn: EXIT.unexpected,
  stale: EXIT.unexpected,
  runtime_unavailable: EXIT.unexpected,
  disk_failed: EXIT.unexpected,
  incompatible: EXIT.unexpected,
  protocol: EXIT.unexpected,
  stopping: EXIT.unreachable,
  internal: EXIT.unexpected
}
