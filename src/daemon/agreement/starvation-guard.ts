import type { Clock } from '../../model/ports/clock.ts'
import type { Random } from '../../model/random.ts'

/** Turns of the event loop in which what waits in the sockets is read: the first may have begun before it came. */
const SOCKET_TURNS = 2
/** By this share of the election timeout a peer that got no processor time waits longer before it acts on silence. */
const GRACE_RATIO = { min: 0.6, max: 1.2 }

/*
 * What a peer does that has not been run for a while, before it believes in the silence of others: what it missed may be waiting in its
 * sockets (Lifeguard, arXiv 1707.00788).
 */

/** Resolves when the sockets were read once more. */
export async function readSockets(clock: Clock): Promise<void> {
  for (let turn = 0; turn < SOCKET_TURNS; turn++) await clock.sleep(0)
}

/** For how long a peer that has starved puts off what it would do about silence. Drawn, so that no two peers come to it at the same time. */
export function graceMs(electionMs: number, random: Random): number {
  return electionMs * (GRACE_RATIO.min + random() * (GRACE_RATIO.max - GRACE_RATIO.min))
}
