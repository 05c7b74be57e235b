import type { Clock } from '../model/ports/clock.ts'

/** What the promise resolves with, or undefined when that takes longer. Of the wait nothing is left then, not even a timer that keeps the process. */
export async function within<Value>(promise: Promise<Value>, ms: number, clock: Pick<Clock, 'after'>): Promise<Value | undefined> {
  const over = Promise.withResolvers<undefined>()
  using _ = clock.after(ms, () => over.resolve(undefined))
  return await Promise.race([promise, over.promise])
}
