import type { Clock } from '../model/ports/clock.ts'

/** Node takes a longer delay for no delay at all (with a warning); 24.8 days are as good as for ever to everything that waits here. */
const DELAY_MS_MAX = 2 ** 31 - 1

/** The Clock port over the machine's own clocks and timers. */
export function createSystemClock(): Clock {
  // Asked for many times within a millisecond: it is written as text once, and what keeps it shares that.
  let [atMs, text] = [Number.NaN, '']
  const timestamp = (): string => {
    const nowMs = Date.now()
    if (nowMs !== atMs) [atMs, text] = [nowMs, new Date(nowMs).toISOString()]
    return text
  }
  return {
    // Since the start of the process; unlike `Date.now` it never jumps.
    nowMs: () => performance.now(),
    timestamp,
    timeout: ms => AbortSignal.timeout(delay(ms)),
    sleep,
    after,
    every
  }
}

function sleep(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = (): void => {
    clearTimeout(timer)
    reject(signal?.reason as Error)
  }
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', abort)
    resolve()
  }, delay(ms))
  if (signal?.aborted === true) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  return promise
}

function after(ms: number, task: () => void): Disposable {
  const timer = setTimeout(task, delay(ms))
  timer.unref()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

function every(ms: number, task: () => void | Promise<void>): Disposable {
  let running = false
  const run = async (): Promise<void> => {
    // A beat that finds the task still at work is left out: catching up later would only make what is slow slower.
    if (running) return
    running = true
    try {
      await task()
    } finally {
      running = false
    }
  }
  // A task that throws is a defect of its owner: the rejection is left unhandled, which ends the process and names it.
  const timer = setInterval(() => void run(), delay(ms))
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Whole milliseconds, rounded up: a timer may be late, not early. */
function delay(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), DELAY_MS_MAX)
}
