import { CaresError } from '../../model/errors.ts'
import type { InvocationId, PeerId } from '../../model/ids.ts'
import type { Placed } from '../../model/invocation.ts'
import type { Breakers } from './breaker.ts'
import type { RunningCall } from './running-call.ts'
import { WorkerWatch, type WorkerWatchComponents } from './worker-watch.ts'

/** Invocations that one gateway carries at once; each holds at most about 1.3 MB. */
const IN_FLIGHT_MAX = 2_048

export interface RunningCallsComponents
  extends Omit<WorkerWatchComponents, 'workers' | 'isIdle' | 'onSilent' | 'silentWorkers'>,
    Pick<Breakers, 'silentWorkers'> {
  /** From which silence on a peer is suspect. */
  readonly suspectAfterMs: number
}

/** The calls that a gateway has in hand, and the watch over their workers. */
export class RunningCalls implements Iterable<RunningCall> {
  readonly #components: RunningCallsComponents
  readonly #calls = new Map<InvocationId, RunningCall>()
  readonly #watch: WorkerWatch

  constructor(components: RunningCallsComponents) {
    this.#components = components
    this.#watch = new WorkerWatch(
      { endAfterMs: components.suspectAfterMs },
      {
        ...components,
        workers: ageMs => this.#workers(ageMs),
        isIdle: () => this.#calls.size === 0,
        onSilent: (worker, state) => {
          for (const { call, placed } of this.#calls.values()) if (placed?.worker === worker) call?.onSilent(worker, state)
        }
      }
    )
  }

  get size(): number {
    return this.#calls.size
  }

  /** Throws `overloaded` when there are as many as may be. To be called before anything is done for another one. */
  assertRoom(): void {
    if (this.#calls.size < IN_FLIGHT_MAX) return
    throw new CaresError('overloaded', `this gateway carries ${IN_FLIGHT_MAX} calls already`, {
      retryable: true,
      details: { retryAfterMs: 1_000 }
    })
  }

  add(call: RunningCall): void {
    this.#calls.set(call.id, call)
  }

  get(id: InvocationId): RunningCall | undefined {
    return this.#calls.get(id)
  }

  /** False for one that is not there any more. */
  delete(id: InvocationId): boolean {
    return this.#calls.delete(id)
  }

  [Symbol.iterator](): Iterator<RunningCall> {
    return this.#calls.values()
  }

  /** A call has a place, perhaps another than before. */
  place(call: RunningCall, placed: Placed): void {
    const { clock, transport } = this.#components
    call.placed = placed
    call.placedMs = clock.nowMs()
    if (placed.worker !== transport.self) this.#watch.wake()
  }

  stop(): void {
    this.#watch.stop()
  }

  *#workers(ageMs: number): Generator<PeerId, void> {
    const { clock, transport } = this.#components
    const beforeMs = clock.nowMs() - ageMs
    for (const { placed, placedMs = Number.POSITIVE_INFINITY } of this.#calls.values())
      if (placed !== undefined && placedMs <= beforeMs && placed.worker !== transport.self) yield placed.worker
  }
}
