import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { within } from './within.ts'

/** Ending all programs takes a second on a busy machine. An engine that does not answer is not waited for longer: the next start finds what is left. */
const STOP_MS_MAX = 3_000

/** Ends parts one after the other, in three seconds together. What comes after one that hangs is begun all the same. */
export async function endInTurn(parts: readonly (() => Promise<unknown>)[], { clock, log }: { clock: Clock; log: Logger }): Promise<void> {
  const overMs = clock.nowMs() + STOP_MS_MAX
  let isLate = false
  for (const end of parts) {
    const ended = await within(
      end().then(() => true),
      Math.max(0, overMs - clock.nowMs()),
      clock
    )
    isLate ||= ended !== true
  }
  if (isLate) log.warn({}, 'programs may be left behind: they did not end in time')
}
