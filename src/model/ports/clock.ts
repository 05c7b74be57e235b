/** Time, as the outer rooms may see it. The real one is `daemon/system-clock.ts`; the simulator has its own. */
export interface Clock {
  /** Monotonic milliseconds, from an arbitrary start. Every duration and deadline is measured with it. */
  nowMs(): number
  /** The wall clock as RFC 3339. For display only: it jumps. */
  timestamp(): string
  /** A signal that aborts with a `TimeoutError` after `ms`. Does not keep the process alive. */
  timeout(ms: number): AbortSignal
  /** Resolves after `ms`; rejects with the signal's reason if that comes first. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>
  /** Calls `task` once, after `ms`, unless disposed of before. Does not keep the process alive. */
  after(ms: number, task: () => void): Disposable
  /** Calls `task` every `ms` until disposed; never overlaps with itself. */
  every(ms: number, task: () => void | Promise<void>): Disposable
}
