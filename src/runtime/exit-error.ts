import { constants } from 'node:os'
import { CaresError, type ErrorCode } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import { formatBytes } from '../model/units.ts'
import type { Exit } from './driver.ts'

/** Above it, an exit code says by which signal the program ended (POSIX.1, "Exit Status for Commands"). */
const SIGNALLED = 128

/** What a shell says of commands that it could not start (POSIX.1, the same place). */
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/**
 * All that a container runtime (runc, old and new) writes when the kernel cannot run the image's program at all, which then has run nothing. A program
 * that a function starts itself is told of in other words.
 */
const FOREIGN_PROGRAM = /^(?:exec \S+|standard_init_linux\.go:\d+: exec user process caused): "?exec format error"?\s*$/

/** How the error of an exit reads. */
export interface ExitWords {
  /** What the error is called when it was not for want of memory. */
  readonly code: ErrorCode
  /** What the program was doing: ` while it served the call`. @default nothing */
  readonly during?: string
  /** What to do, where that is known better than from the exit code. */
  readonly hint?: string | undefined
  /** What to do about its memory limit. @default 'give the function more memory' */
  readonly memoryHint?: string
}

/**
 * What a caller is told whose program has ended in another way than well: `details` hold the exit code and the end of stderr. `image_unsupported` where
 * nothing of it ran: another machine may be able to.
 */
export function exitError(fn: FunctionRecord, exit: Exit, stderr: string, words: ExitWords): CaresError {
  if (exit.lost !== undefined) return exit.lost
  const { code, during = '', hint, memoryHint = 'give the function more memory' } = words
  const { exitCode } = exit
  const details = { exitCode, stderr }
  if (exit.outOfMemory) {
    const message = `${fn.name} was killed at its memory limit of ${formatBytes(fn.memoryBytes)} (exit ${exitCode})${during}`
    return new CaresError('out_of_memory', message, { hint: memoryHint, details })
  }
  if (FOREIGN_PROGRAM.test(stderr)) {
    return new CaresError('image_unsupported', `${fn.name} is made for another platform than this machine: ${stderr.trim()}`, {
      hint: 'build its image for this platform, too (docker buildx build --platform …), or begin a script with its #! line',
      details
    })
  }
  return new CaresError(code, `${fn.name} ${howItEnded(exitCode)}${during}`, { hint: hint ?? hintOf(fn, exitCode), details })
}

/** An exit code in words: `exited with code 3`, or `was ended by SIGSEGV (exit code 139)`. */
function howItEnded(exitCode: number): string {
  const signal = SIGNAL_NAMES.get(exitCode - SIGNALLED)
  return signal === undefined ? `exited with code ${exitCode}` : `was ended by ${signal} (exit code ${exitCode})`
}

function hintOf({ name }: FunctionRecord, exitCode: number): string {
  switch (exitCode) {
    case NOT_EXECUTABLE:
      return 'a command that it calls may not be executed: look at its mode, and at the #! line of a script'
    case NOT_FOUND:
      return 'a command that it calls is not in the image'
    case SIGNALLED + constants.signals.SIGKILL:
      return 'its own memory limit was not reached: somebody else killed it, such as the kernel of a machine short of memory'
    default:
      return `what it wrote: cares logs ${name}`
  }
}
