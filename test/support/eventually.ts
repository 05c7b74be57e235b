import { setTimeout as sleep } from 'node:timers/promises'

/** Below the time limit of a test, so that what was waited for is in its failure. */
const WITHIN_MS = 15_000
/** At first it is looked again sooner: most of what tests wait for is there in a moment, and what is not often needs the processor itself. */
const LOOK_EVERY_MS = 25

/**
 * The first value of `look` that is neither undefined nor false; for what has no event. Rejects, with the last error of `look` if it has thrown, when
 * none comes in time.
 */
export async function eventually<Found>(
  claim: string,
  look: () => Found | Promise<Found>,
  { withinMs = WITHIN_MS, onFailure = () => '' }: { withinMs?: number; onFailure?: () => string } = {}
): Promise<Exclude<Found, undefined | false>> {
  const deadlineMs = performance.now() + withinMs
  let last: unknown
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LOOK_EVERY_MS)) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found as Exclude<Found, undefined | false>
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${claim}\n${onFailure()}`, { cause: last })
    await sleep(pauseMs)
  }
}
