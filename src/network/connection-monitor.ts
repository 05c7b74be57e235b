import type { PeerId } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Startable } from '../model/ports/startable.ts'

/** Between two pings of a connection. */
export const PING_INTERVAL_MS = 2_000
/**
 * And no more of them a second on average, for all connections together: with more than eight, each is asked less often (of 49, every 12 s). Whoever leads or
 * works is heard more often than that; what is left is to close what is dead.
 */
const PINGS_PER_S_MAX = 4
/** How often it is looked who is to be pinged. */
const LOOK_MS = 1_000
/**
 * Who was heard within this share of the interval is not asked, and nobody within less than a second. A leader and its followers hear each other several times
 * a second, and in a large cluster the heartbeats that all gossip come just often enough; one that falls silent is pinged at one of the next looks.
 */
const HEARD_RATIO = 0.5
/** A connection whose ping is not answered for so long is dead: a frozen peer of a small cluster is noticed after 3 to 5 s, and consensus notices it sooner. */
export const PING_TIMEOUT_MS = 3_000
/**
 * Answers that come late show that machines are busy: so many times as long is waited the next time, up to the most, and 1 s less after each half
 * minute. To cut connections between busy peers would make them busier: each new one costs both a handshake.
 */
const PATIENCE_FACTOR = 2
const PATIENCE_MS_MAX = 7_000
const PATIENCE_LOSS_RATIO = 1 / 30
/** A time-out that is noticed so much too late says that this process stood still: the answer may be waiting in a socket. */
const LATE_MS = 250

export interface ConnectionMonitorComponents {
  readonly clock: Clock
  readonly log: Logger
  readonly connected: () => readonly PeerId[]
  /** When anything was last heard of a peer, by the clock; -Infinity where that is not known. */
  readonly heardAtMs: (peer: PeerId) => number
  /** Resolves when the peer has answered anything at all; rejects with the signal's reason, or when it could not be asked. */
  readonly ping: (peer: PeerId, options: { signal: AbortSignal }) => Promise<unknown>
  /** Cuts all connections to a peer. */
  readonly cut: (peer: PeerId, reason: Error) => void
}

/** Who is asked for a sign of life, as {@link ConnectionMonitorComponents} says of a peer. */
interface Asked {
  readonly heardAtMs: () => number
  readonly ping: (options: { signal: AbortSignal }) => Promise<unknown>
  readonly cut: (reason: Error) => void
}

/**
 * Cuts connections behind which nobody answers any more, which TCP alone notices after minutes. In place of libp2p's own monitor, whose
 * adaptive time-out reads the wall clock: when that is set back by an hour its average becomes NaN, and it cuts every connection from then on.
 */
export class ConnectionMonitor implements Startable {
  readonly #components: ConnectionMonitorComponents
  readonly #asking = new Set<PeerId>()
  /** When each connected peer was last asked. */
  readonly #askedAtMs = new Map<PeerId, number>()
  #startedAtMs = 0
  #patience = { ms: 0, atMs: 0 }
  #timer: Disposable | undefined

  constructor(components: ConnectionMonitorComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { clock } = this.#components
    this.#startedAtMs = clock.nowMs()
    this.#timer ??= clock.every(LOOK_MS, () => this.#look())
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /**
   * Proves a connection that need not be the way by which a peer is heard, and cuts it alone: when another one is opened, the peer may have moved, and the
   * older one lead nowhere. Streams on it would wait for minutes.
   */
  async prove(peer: PeerId, connection: Pick<Asked, 'ping' | 'cut'>): Promise<void> {
    await this.#test(peer, { ...connection, heardAtMs: () => Number.NEGATIVE_INFINITY })
  }

  #look(): void {
    const { clock, connected, heardAtMs } = this.#components
    const [nowMs, peers] = [clock.nowMs(), connected()]
    const intervalMs = Math.max(PING_INTERVAL_MS, (peers.length / PINGS_PER_S_MAX) * 1_000)
    for (const peer of this.#askedAtMs.keys()) if (!peers.includes(peer)) this.#askedAtMs.delete(peer)
    for (const peer of peers) {
      // Half a look early is better than half a look late: timers drift.
      const isDue = nowMs - (this.#askedAtMs.get(peer) ?? this.#startedAtMs) >= intervalMs - LOOK_MS / 2
      if (isDue && nowMs - heardAtMs(peer) >= intervalMs * HEARD_RATIO) void this.#ask(peer)
    }
  }

  async #ask(peer: PeerId): Promise<void> {
    const { clock, heardAtMs, ping, cut } = this.#components
    if (this.#asking.has(peer)) return
    this.#asking.add(peer)
    this.#askedAtMs.set(peer, clock.nowMs())
    await this.#test(peer, { heardAtMs: () => heardAtMs(peer), ping: options => ping(peer, options), cut: reason => cut(peer, reason) })
    this.#asking.delete(peer)
  }

  /** Never rejects. */
  async #test(peer: PeerId, { heardAtMs, ping, cut }: Asked): Promise<void> {
    const { clock, log } = this.#components
    const askedAtMs = clock.nowMs()
    const timeoutMs = PING_TIMEOUT_MS + this.#patienceMs(askedAtMs)
    const signal = clock.timeout(timeoutMs)
    try {
      await ping({ signal })
      this.#learnPatience(askedAtMs)
    } catch (err) {
      const waitedMs = clock.nowMs() - askedAtMs
      const isHeard = heardAtMs() > askedAtMs
      const isSilent = signal.aborted && !isHeard && waitedMs < timeoutMs + LATE_MS
      // Alive, if slow: a ping that timed out is no shorter than one that was answered in the end.
      if (signal.aborted && !isSilent) this.#learnPatience(askedAtMs)
      log.debug({ err, peer, waitedMs }, 'ping failed')
      // Any other failure is an answer, or a connection that is closing anyway.
      if (isSilent && this.#timer !== undefined) cut(new Error(`no answer to a ping within ${timeoutMs} ms`))
    }
  }

  #patienceMs(nowMs: number): number {
    return Math.max(0, Math.round(this.#patience.ms - (nowMs - this.#patience.atMs) * PATIENCE_LOSS_RATIO))
  }

  #learnPatience(askedAtMs: number): void {
    const nowMs = this.#components.clock.nowMs()
    const ms = Math.min(PATIENCE_FACTOR * (nowMs - askedAtMs), PATIENCE_MS_MAX)
    if (ms > this.#patienceMs(nowMs)) this.#patience = { ms, atMs: nowMs }
  }
}
