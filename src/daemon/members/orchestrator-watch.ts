import { LEARNER_HEARTBEATS } from '../../core/consensus/limits.ts'
import { CaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Timings } from '../../model/presets.ts'

/** How often the watch looks: a quarter of the shortest silence that counts. */
const LOOK_EVERY_MS = 100
/** An orchestrator of which so many heartbeats did not come is taken for lost by the calls that wait for it. */
const MISSED_HEARTBEATS = 3

export interface OrchestratorWatchComponents {
  readonly clock: Clock
  /** Milliseconds since the last consensus message of a peer; 0 for this peer itself. */
  readonly silentMs: (peer: PeerId) => number
  /** As {@link lostAfterMs}, by what this peer is now. */
  readonly lostAfterMs: () => number
}

/** The silence, in milliseconds, after which a peer takes its orchestrator for lost: learners hear it less often than voters do. */
export function lostAfterMs({ heartbeatMs }: Pick<Timings, 'heartbeatMs'>, { isVoter }: { isVoter: boolean }): number {
  return (MISSED_HEARTBEATS + (isVoter ? 1 : LEARNER_HEARTBEATS)) * heartbeatMs
}

/**
 * Tells the calls that wait for an orchestrator to place them when it has fallen silent although its connection stands (frozen, or cut off). A wrong
 * suspicion does no harm: the call is placed by somebody else.
 */
export class OrchestratorWatch implements Startable {
  readonly #components: OrchestratorWatchComponents
  readonly #watched = new Map<PeerId, { abort: AbortController; watchers: number }>()
  #isStarted = false
  /** Runs while anything is watched. */
  #timer: Disposable | undefined

  constructor(components: OrchestratorWatchComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#isStarted = true
    this.#setTimer()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#setTimer()
  }

  /** A signal that aborts with `peer_lost` when the peer falls silent; dispose it when the call is over. */
  watch(peer: PeerId): { readonly signal: AbortSignal } & Disposable {
    const entry = this.#watched.get(peer) ?? { abort: new AbortController(), watchers: 0 }
    this.#watched.set(peer, entry)
    entry.watchers++
    this.#setTimer()
    return {
      signal: entry.abort.signal,
      [Symbol.dispose]: () => {
        entry.watchers--
        if (entry.watchers === 0 && this.#watched.get(peer) === entry) this.#watched.delete(peer)
      }
    }
  }

  #setTimer(): void {
    if (this.#isStarted && this.#watched.size > 0) {
      this.#timer ??= this.#components.clock.every(LOOK_EVERY_MS, () => this.#look())
    } else {
      this.#timer?.[Symbol.dispose]()
      this.#timer = undefined
    }
  }

  #look(): void {
    const lostAfterMs = this.#components.lostAfterMs()
    for (const [peer, { abort }] of this.#watched) {
      if (this.#components.silentMs(peer) <= lostAfterMs) continue
      this.#watched.delete(peer)
      abort.abort(new CaresError('peer_lost', 'the orchestrator has fallen silent', { retryable: true }))
    }
    this.#setTimer()
  }
}
