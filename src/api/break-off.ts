import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Clock } from '../model/ports/clock.ts'

/** How long a client may take to read what was sent before the break. */
const FLUSH_MS = 2_000

/**
 * Closes the connection of an answer that cannot be completed. What has been written still arrives, but not the end that a whole answer has: the
 * client sees that this is not all.
 */
export function breakOff(response: ServerResponse, { clock }: { clock: Clock }): void {
  if (!(response.socket instanceof Socket)) {
    response.destroy()
    return
  }
  response.socket.destroySoon()
  clock.timeout(FLUSH_MS).addEventListener('abort', () => response.destroy())
}
