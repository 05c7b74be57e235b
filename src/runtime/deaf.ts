import { readFileSync } from 'node:fs'

/** SIGTERM in the masks of proc(5): signal 15, counted from the lowest bit. */
const SIGTERM_BIT = 1n << 14n

/**
 * Whether these processes of a container are one program that never hears SIGTERM: the kernel keeps from the first process of a container every signal
 * that it has neither a handler for nor blocks (pid_namespaces(7)). To ask it to end and wait would be in vain. One with others below it may be an init
 * that waits for signals in a way that does not show, so it is never taken for deaf.
 */
export function isDeaf(pids: readonly number[], root = '/proc'): boolean {
  const [pid] = pids
  if (pid === undefined || pids.length > 1) return false
  try {
    const status = readFileSync(`${root}/${pid}/status`, 'utf8')
    if (!/^NSpid:.*\t1$/m.test(status)) return false
    return ['SigBlk', 'SigCgt'].every(name => {
      const mask = new RegExp(`^${name}:\\t([0-9a-f]+)$`, 'm').exec(status)?.[1]
      return mask !== undefined && (BigInt(`0x${mask}`) & SIGTERM_BIT) === 0n
    })
  } catch {
    // It has ended, or may not be looked at.
    return false
  }
}
