import { getPriority, setPriority } from 'node:os'

/**
 * The nice value of a peer: three times the weight of an ordinary process when both want to run. A peer wants little, but it must have it soon: to
 * the others one that waits for its turn looks like one that has died. Where Linux shares the processor out among sessions (autogroup, sched(7)), as
 * it does for what is started in a terminal, it counts within the peer's session only.
 */
const PEER_NICE = -5
const ORDINARY_NICE = 0

/** Lets this process go before others of its machine. Returns whether the operating system lets it: it takes root, or CAP_SYS_NICE on Linux. */
export function takePrecedence(): boolean {
  try {
    if (getPriority() > PEER_NICE) setPriority(PEER_NICE)
    return true
  } catch {
    return false // A peer works without.
  }
}

/** Takes back from a program that this process has started what it has inherited. To be called before it has got far. */
export function yieldPrecedence(pid: number | undefined): void {
  if (pid === undefined || getPriority() >= ORDINARY_NICE) return
  try {
    setPriority(pid, ORDINARY_NICE)
  } catch {
    // It has ended already.
  }
}
