import type { PeerId } from '../../model/ids.ts'
import type { TaskSession } from '../../model/task.ts'

/** How long leases last, in milliseconds. */
export interface LeaseTimes {
  /** A worker whose last answered renewal was sent longer ago than this, by its own clock, ends what it runs. */
  readonly workerMs: number
  /** An orchestrator gives a session up that it has not heard for so long, by its own clock. */
  readonly orchestratorMs: number
  /** Between two renewals of a worker. */
  readonly renewMs: number
}

/** No two clocks of a cluster may differ in rate by more than this, or attempts may overlap. Quartz differs by a ten-thousandth. */
const DRIFT_RATIO = 0.1

/**
 * The times for a lease of `leaseMs`: orchestratorMs = leaseMs · (1 + drift)² + 2 · electionMs, so that even with the slowest worker's clock and
 * the fastest orchestrator's the worker has ended its work first, with two election timeouts for a renewal that is on its way. A fifth of the
 * lease between renewals lets four in a row be lost.
 */
export function leaseTimes({ leaseMs, electionMs }: { leaseMs: number; electionMs: number }): LeaseTimes {
  return { workerMs: leaseMs, orchestratorMs: Math.ceil(leaseMs * (1 + DRIFT_RATIO) ** 2 + 2 * electionMs), renewMs: leaseMs / 5 }
}

/** Burned sessions that are remembered: far more than can be renewed by mistake, since a burned worker makes a new one at once. */
const BURNED_MAX = 4_096

/**
 * What one orchestrator, in one term of office, knows of the workers' sessions. Times are its own monotonic milliseconds.
 *
 * Giving a session up is irrevocable: from then on it is *burned*. Without that, a renewal that arrives between the decision to give an attempt
 * to somebody else and its being agreed would revive the old attempt, beside the new one.
 */
export class WorkerSessions {
  readonly #times: LeaseTimes
  readonly #sinceMs: number
  readonly #current = new Map<PeerId, { session: TaskSession; renewedAtMs: number }>()
  readonly #burned = new Set<TaskSession>()

  /** `sinceMs`: when the office began. Whoever has not been heard of since may still hold a lease from the office before. */
  constructor(times: LeaseTimes, sinceMs: number) {
    this.#times = times
    this.#sinceMs = sinceMs
  }

  /** A worker asks to go on. `burned`: it may not, and what the session had is lost. */
  renew(worker: PeerId, session: TaskSession, nowMs: number): 'renewed' | 'burned' {
    if (this.#burned.has(session)) return 'burned'
    const known = this.#current.get(worker)
    // A peer has one session at a time: the earlier one has ended, and a late renewal of it must not come between.
    if (known !== undefined && known.session !== session) this.burn(known.session)
    this.#current.set(worker, { session, renewedAtMs: nowMs })
    return 'renewed'
  }

  /** The session to which a worker's next task may be assigned; undefined: it has none that can be relied on. */
  current(worker: PeerId, nowMs: number): TaskSession | undefined {
    const known = this.#current.get(worker)
    if (known === undefined || this.#burned.has(known.session)) return undefined
    // Half a lease, so that the work has some time to begin in.
    return nowMs - known.renewedAtMs <= this.#times.workerMs / 2 ? known.session : undefined
  }

  /** Whether what a session has can be given to others, because its worker has certainly ended it or is about to be told so. */
  isLost(worker: PeerId, session: TaskSession, nowMs: number): boolean {
    return nowMs > this.heldUntilMs(worker, session)
  }

  /** When a session will be lost unless it is renewed before; minus infinity for one that is. */
  heldUntilMs(worker: PeerId, session: TaskSession): number {
    if (this.#burned.has(session)) return Number.NEGATIVE_INFINITY
    const known = this.#current.get(worker)
    if (known === undefined) return this.#sinceMs + this.#times.orchestratorMs
    return known.session === session ? known.renewedAtMs + this.#times.orchestratorMs : Number.NEGATIVE_INFINITY
  }

  /** To be called before any attempt of a session is given up. */
  burn(session: TaskSession): void {
    this.#burned.add(session)
    if (this.#burned.size > BURNED_MAX) for (const oldest of this.#burned.keys().take(1)) this.#burned.delete(oldest)
  }
}
