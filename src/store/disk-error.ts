import { CaresError } from '../model/errors.ts'

/** What ails a disk, in `details.disk` of the error. */
export type DiskFault = 'full' | 'io' | 'read-only' | 'corrupt' | 'no-access' | 'no-directory' | 'locked' | 'unknown'

const FAULT_TEXT: Readonly<Record<DiskFault, string>> = {
  full: 'the disk is full',
  io: 'the disk failed to read or write',
  'read-only': 'the disk or the file is read-only',
  corrupt: 'the data is damaged',
  'no-access': 'the file cannot be opened',
  'no-directory': 'a file is where a directory should be',
  locked: 'another program holds the database',
  unknown: 'the operation failed'
}

const FAULT_HINT: Readonly<Record<DiskFault, string>> = {
  full: 'free some space, then restart the peer',
  io: "look for disk errors in the system's log before you restart the peer",
  'read-only': 'make the data directory writable, or name another with --data',
  // Not just the database: a peer that keeps its identity and has lost its log could vote twice.
  corrupt: 'move the whole data directory away and start again: the peer joins anew and copies the state from the others',
  'no-access': 'check that the data directory exists and belongs to the user that runs the peer, or name another with --data',
  'no-directory': 'name a directory with --data, or move the file away',
  locked: 'close the other program, then restart the peer',
  unknown: 'restart the peer; if it happens again, move the whole data directory away'
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html), by what they mean here. */
const FAULT_BY_RESULT_CODE: ReadonlyMap<number, DiskFault> = new Map([
  [3, 'no-access'], // PERM
  [5, 'locked'], // BUSY
  [6, 'locked'], // LOCKED
  [8, 'read-only'], // READONLY
  [10, 'io'], // IOERR
  [11, 'corrupt'], // CORRUPT
  [13, 'full'], // FULL
  [14, 'no-access'], // CANTOPEN
  [23, 'no-access'], // AUTH
  [24, 'corrupt'], // FORMAT
  [26, 'corrupt'] // NOTADB
])

const FAULT_BY_ERRNO: ReadonlyMap<string, DiskFault> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EFBIG', 'full'],
  ['EIO', 'io'],
  ['EROFS', 'read-only'],
  ['EACCES', 'no-access'],
  ['EPERM', 'no-access'],
  ['ENOENT', 'no-access'],
  ['ENOTDIR', 'no-access'],
  ['EEXIST', 'no-directory'],
  ['EISDIR', 'no-access']
])

/**
 * The CaresError (`disk_failed`, `details.disk`) for what SQLite or the file system threw while `doing`, e.g. `write the log`. What is a
 * CaresError already stays as it is.
 */
export function diskError(doing: string, error: unknown): CaresError {
  if (error instanceof CaresError) return error
  const fault = faultOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  return new CaresError('disk_failed', `cannot ${doing}: ${FAULT_TEXT[fault]} (${reason})`, {
    hint: FAULT_HINT[fault],
    details: { disk: fault },
    cause: error
  })
}

/** The error for data that was read but cannot be right. */
export function damaged(what: string, why: string, cause?: unknown): CaresError {
  return new CaresError('disk_failed', `${what} is damaged: ${why}`, { hint: FAULT_HINT.corrupt, details: { disk: 'corrupt' }, cause })
}

function faultOf(error: unknown): DiskFault {
  if (!(error instanceof Error)) return 'unknown'
  // The low byte of an extended code is the primary one.
  if ('errcode' in error && typeof error.errcode === 'number') return FAULT_BY_RESULT_CODE.get(error.errcode & 0xff) ?? 'unknown'
  if ('code' in error && typeof error.code === 'string') return FAULT_BY_ERRNO.get(error.code) ?? 'unknown'
  return 'unknown'
}
