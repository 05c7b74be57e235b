import type { CaresClient } from '../client.ts'
import { toCaresError } from '../../model/errors.ts'
import type { OwnPeer, TuiEnvironment } from './environment.ts'

/** Between two looks at whether something that was asked for has happened. */
const LOOK_INTERVAL_MS = 100

/** After so long a peer that has started is shown though it knows no orchestrator yet: the screen says so. */
const SETTLE_TIMEOUT_MS = 15_000

/** What the life of the peer of this process is told to. */
export interface OwnPeerListener {
  readonly onStarted: (peer: OwnPeer) => void
  /** `lines`: what failed, and what to do about it. */
  readonly onFailed: (lines: readonly string[]) => void
  readonly onLeft: () => void
}

/** The peer that runs in this process, if any: starts it, drains it, stops it. */
export class OwnPeerRunner {
  readonly #environment: TuiEnvironment
  readonly #listener: OwnPeerListener
  #peer: OwnPeer | undefined
  #cancelling = new AbortController()

  constructor(environment: TuiEnvironment, listener: OwnPeerListener) {
    this.#environment = environment
    this.#listener = listener
  }

  /** Whether a peer of this process would be lost if it ended now. */
  get isThere(): boolean {
    return this.#peer !== undefined
  }

  /** Starts a peer and waits until it is in a cluster. What comes of it is told to the listener. */
  async start(flags: Readonly<Record<string, unknown>>, onLog: (line: string) => void): Promise<void> {
    this.#cancelling = new AbortController()
    const { signal } = this.#cancelling
    try {
      const peer = await this.#environment.createPeer(flags, { log: onLog })
      this.#peer = peer
      try {
        signal.throwIfAborted()
        await peer.start()
        await this.#settled(peer, signal)
        signal.throwIfAborted()
      } catch (error) {
        this.#peer = undefined
        await peer.stop()
        throw error
      }
      this.#listener.onStarted(peer)
      void peer.left.then(() => this.#left(peer))
    } catch (error) {
      const { message, hint } = toCaresError(error)
      this.#listener.onFailed(signal.aborted ? ['cancelled'] : [message, ...(hint === undefined ? [] : [`try: ${hint}`])])
    }
  }

  /** Gives up a start that goes on. */
  async cancel(): Promise<void> {
    this.#cancelling.abort()
    // Rejects the `start` that waits.
    await this.#peer?.stop()
  }

  /** Stops the peer; with a client it first takes no new work, and waits until what runs has ended. */
  async stop(client?: CaresClient): Promise<void> {
    const peer = this.#peer
    if (peer === undefined) return
    if (client !== undefined) await this.#drain(peer, client)
    await peer.stop()
    this.#peer = undefined
  }

  async #drain(peer: OwnPeer, client: CaresClient): Promise<void> {
    const { clock, signal } = this.#environment
    const { id } = peer.service.profile
    try {
      await client.setDraining(id, true, { signal })
      while ((await client.peer(id, { signal })).running > 0) await clock.sleep(LOOK_INTERVAL_MS, { signal })
      // A peer stays drained until it is told otherwise; this one is only being stopped, and should work when it comes back.
      await client.setDraining(id, false, { signal })
    } catch {
      // Without a quorum nothing can be agreed, draining neither: stopping itself still waits for what runs, for a while.
    }
  }

  async #settled({ service }: OwnPeer, signal: AbortSignal): Promise<void> {
    const { clock } = this.#environment
    const deadlineMs = clock.nowMs() + SETTLE_TIMEOUT_MS
    while (service.cluster().orchestrator === null && clock.nowMs() < deadlineMs) await clock.sleep(LOOK_INTERVAL_MS, { signal })
  }

  async #left(peer: OwnPeer): Promise<void> {
    if (this.#peer !== peer) return
    this.#peer = undefined
    await peer.stop()
    this.#listener.onLeft()
  }
}
