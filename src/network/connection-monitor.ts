import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'

/** Between two pings of a connection. */
export const PING_INTERVAL_MS = 2_000
/** A connection whose ping is not answered for so long is dead: a frozen peer is noticed after 3 to 5 s, and consensus notices it sooner. */
export const PING_TIMEOUT_MS = 3_000
/** A time-out that is noticed so much too late says that this process stood still: the answer may be waiting in a socket. */
const LATE_MS = 250

export interface ConnectionMonitorComponents {
  readonly clock: Clock
  readonly log: Logger
  readonly connected: () => readonly PeerId[]
  /** Resolves when the peer has answered anything at all; rejects with the signal's reason, or when it could not be asked. */
  readonly ping: (peer: PeerId, options: { signal: AbortSignal }) => Promise<unknown>
  /** Cuts all connections to a peer. */
  readonly cut: (peer: PeerId, reason: Error) => void
}

/**
 * Cuts connections behind which nobody answers any more, which TCP alone notices after minutes. In place of libp2p's own monitor, whose
 * adaptive time-out reads the wall clock: when that is set back by an hour its average becomes NaN, and it cuts every connection from then on.
 */
export class ConnectionMonitor implements Startable {
  readonly #components: ConnectionMonitorComponents
  readonly #asking = new Set<PeerId>()
  #timer: Disposable | undefined

  constructor(components: ConnectionMonitorComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    this.#timer ??= this.#components.clock.every(PING_INTERVAL_MS, () => {
      for (const peer of this.#components.connected()) void this.#ask(peer)
    })
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  async #ask(peer: PeerId): Promise<void> {
    const { clock, log, ping, cut } = this.#components
    if (this.#asking.has(peer)) return
    this.#asking.add(peer)
    const signal = clock.timeout(PING_TIMEOUT_MS)
    const askedAtMs = clock.nowMs()
    try {
      await ping(peer, { signal })
    } catch (err) {
      const waitedMs = clock.nowMs() - askedAtMs
      const isSilent = signal.aborted && waitedMs < PING_TIMEOUT_MS + LATE_MS
      log.debug({ err, peer, waitedMs }, 'ping failed')
      // Any other failure is an answer, or a connection that is closing anyway.
      if (isSilent && this.#timer !== undefined) cut(peer, new Error(`no answer to a ping within ${PING_TIMEOUT_MS} ms`))
    } finally {
      this.#asking.delete(peer)
    }
  }
}
