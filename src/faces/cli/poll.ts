import type { Clock } from '../../model/ports/clock.ts'

/** Between two samples of what `-w` shows: peers tell about themselves once a second. */
const POLL_INTERVAL_MS = 1_000

/** What `sample` gives, now and then every second, until the signal aborts. A sample that fails ends it with that error. */
export async function* poll<Sample>(
  sample: () => Promise<Sample>,
  { clock, signal }: { clock: Clock; signal: AbortSignal }
): AsyncGenerator<Sample, void, undefined> {
  for (;;) {
    yield await sample()
    await clock.sleep(POLL_INTERVAL_MS, { signal })
  }
}

/** The wall clock in milliseconds, to show how old something is. */
export function wallClockMs(clock: Pick<Clock, 'timestamp'>): number {
  return Date.parse(clock.timestamp())
}
