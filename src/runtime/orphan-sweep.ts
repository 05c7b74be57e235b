import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { untilAborted } from '../model/until-aborted.ts'
import type { Orphan } from './driver.ts'

/** The pause before the first sweep, which doubles up to the longest: an engine that restarts is back within seconds, and being refused costs nothing. */
const PAUSE_MS = 500
const PAUSE_MAX_MS = 5_000

/** How long one sweep may take: a frozen engine answers nothing. */
const SWEEP_TIMEOUT_MS = 10_000

/** How long the last sweep may delay the end of a peer: an engine that works lists and removes in a tenth of that, one that is gone refuses at once. */
const LAST_SWEEP_TIMEOUT_MS = 2_000

/** Removes what of this peer is in its engine and is not known as alive; rejects while the engine does not answer. */
export type Sweep = (options: { signal: AbortSignal }) => Promise<readonly Orphan[]>

/**
 * Finds containers that this life of the peer lost sight of. An engine that dies while it makes a container may have made it all the same, and one
 * that is away for long keeps what it was told to remove: so after every such doubt there is a sweep once the engine answers, and one at the end.
 */
export class OrphanSweep {
  readonly #sweep: Sweep
  readonly #clock: Clock
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #isDoubtful = false
  #running: Promise<void> | undefined

  constructor(sweep: Sweep, { clock, log }: { clock: Clock; log: Logger }) {
    this.#sweep = sweep
    this.#clock = clock
    this.#log = log
  }

  /** The engine may hold something that nobody knows of. A sweep follows, again and again until the engine has answered to one. */
  doubt(): void {
    this.#isDoubtful = true
    if (this.#stopping.signal.aborted) return
    this.#running ??= this.#untilSwept()
  }

  /** Sweeps a last time, if the engine answers soon, and never again. Everything that is to live on must be known by then. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort()
    await this.#running
    await this.#once(this.#clock.timeout(LAST_SWEEP_TIMEOUT_MS)).catch((err: unknown) => {
      this.#log.warn({ err }, 'not looked for containers that were left behind; the next start will')
    })
  }

  async #untilSwept(): Promise<void> {
    const { signal } = this.#stopping
    for (let pauseMs = PAUSE_MS; this.#isDoubtful && !signal.aborted; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        await this.#clock.sleep(pauseMs, { signal })
        this.#isDoubtful = false
        await this.#once(AbortSignal.any([signal, this.#clock.timeout(SWEEP_TIMEOUT_MS)]))
      } catch (err) {
        this.#isDoubtful = true
        this.#log.debug({ err }, 'engine not swept yet')
      }
    }
    this.#running = undefined
  }

  async #once(signal: AbortSignal): Promise<void> {
    const orphans = await untilAborted(this.#sweep({ signal }), signal)
    if (orphans.length > 0) this.#log.info({ containers: orphans.length }, 'containers that were lost sight of removed')
  }
}
