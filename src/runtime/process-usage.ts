import { readFileSync } from 'node:fs'
import type { Measured } from './driver.ts'

/** Linux counts a process' CPU time in these, whatever the kernel's own clock (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100

/** What a process, not counting its children, has used so far; undefined when it is gone or the machine has no `/proc`. */
export function readProcessUsage(pid: number, root = '/proc'): Measured | undefined {
  try {
    return {
      cpuMs: parseStatCpuMs(readFileSync(`${root}/${pid}/stat`, 'utf8')),
      memoryPeakBytes: parseStatusPeakBytes(readFileSync(`${root}/${pid}/status`, 'utf8'))
    }
  } catch {
    return undefined
  }
}

/**
 * User and system time from the text of `/proc/<pid>/stat`, that of its children which it has waited for included: fields 14 to 17, counted behind
 * the program's name, which may hold blanks and brackets.
 */
export function parseStatCpuMs(text: string): number | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return fields.length < 15 || Number.isNaN(ticks) ? undefined : (ticks * 1_000) / TICKS_PER_SECOND
}

/** The highest resident set so far, from the text of `/proc/<pid>/status`; absent there for a process that has just ended. */
export function parseStatusPeakBytes(text: string): number | undefined {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(text)
  return match === null ? undefined : Number(match[1]) * 1024
}
