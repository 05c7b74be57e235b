import { CaresError, toCaresError } from '../../model/errors.ts'
import type { Attempt, PeerId } from '../../model/ids.ts'
import type { CallToPlace, InvokeDown, InvokeUp, RemoteError } from '../../model/invocation.ts'
import type { PeerStats } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Channel, Transport } from '../../model/ports/transport.ts'
import { AbortLinks } from '../abort-links.ts'
import { openWithin } from '../open-within.ts'
import type { OrchestratorWatch } from '../members/orchestrator-watch.ts'

/** A placer that has not said `queued` by then is taken for lost. A wrong guess costs a hop, not an execution. */
const FIRST_SIGN_MS = 500
const OPEN_TIMEOUT_MS = 1_500

export interface PlacerExchangeComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly watch: OrchestratorWatch
}

/** What a placer says once it has made up its mind. */
export type PlacerReply = Exclude<InvokeDown, { type: 'queued' }>

/** How the work ended, for who placed it. */
export type WorkReport = Pick<Extract<InvokeUp, { type: 'done' }>, 'run' | 'untypical'>

/**
 * One round of a call between its gateway and a placer: the gateway asks for a place, and tells how the work there ended. A lost placer matters only while
 * it is waited for: what was placed goes on without it.
 */
export class PlacerExchange {
  readonly #peer: PeerId
  readonly #components: PlacerExchangeComponents
  readonly #channel: Channel<InvokeUp, InvokeDown>
  /** The last place, until it is told how that ended. */
  #attempt: Attempt | undefined
  #isWaiting = true

  /** The sending of what {@link next} waits for an answer to. */
  #asked: Promise<void>

  private constructor(peer: PeerId, channel: Channel<InvokeUp, InvokeDown>, call: CallToPlace, components: PlacerExchangeComponents) {
    this.#peer = peer
    this.#channel = channel
    this.#components = components
    this.#asked = this.#tell({ type: 'call', ...call })
  }

  /** Asks `peer` for a place. Throws `peer_unreachable`, or the signal's reason. */
  static async open(
    peer: PeerId,
    call: CallToPlace,
    components: PlacerExchangeComponents,
    { signal }: { signal: AbortSignal }
  ): Promise<PlacerExchange> {
    const { transport, clock } = components
    const channel = await openWithin(transport, 'invoke', peer, { ms: OPEN_TIMEOUT_MS, clock, signal })
    return new PlacerExchange(peer, channel, call, components)
  }

  /** The next place, or why there is none. Throws `peer_lost` when the placer is gone or silent, or the signal's reason. */
  async next({ signal }: { signal: AbortSignal }): Promise<PlacerReply> {
    const { clock, watch } = this.#components
    const giveUp = (reason: unknown): void => this.#channel.abort(toCaresError(reason))
    using watched = watch.watch(this.#peer)
    using links = new AbortLinks()
    links.add(signal, giveUp)
    links.add(watched.signal, giveUp)
    let wasHeard = false
    const onNoSign = (): void => {
      if (!wasHeard) giveUp(new CaresError('peer_lost', 'the orchestrator does not answer', { retryable: true }))
    }
    links.after(FIRST_SIGN_MS, onNoSign, { clock })
    await this.#asked
    while (true) {
      const message = await this.#channel.receive()
      wasHeard = true
      if (message === undefined)
        throw new CaresError('peer_lost', 'the orchestrator ended the call without a place for it', { retryable: true })
      if (message.type === 'queued') continue
      this.#isWaiting = false
      if (message.type === 'placed') this.#attempt = message.attempt
      return message
    }
  }

  /** The worker has promised that it does not run the call: {@link next} tells of another. */
  refused(error: RemoteError, stats: PeerStats | undefined): void {
    if (this.#attempt === undefined) return
    this.#asked = this.#tell({ type: 'refused', attempt: this.#attempt, error, stats })
    this.#attempt = undefined
    this.#isWaiting = true
  }

  /** Ends the exchange, with how the work ended if there was a place for it. A second call does nothing. */
  end(report: WorkReport): void {
    if (this.#attempt !== undefined) void this.#tell({ type: 'done', attempt: this.#attempt, ...report })
    this.#attempt = undefined
    if (this.#isWaiting) this.#channel.abort(new CaresError('cancelled', 'the gateway has ended the call'))
    this.#channel.end()
  }

  #tell(message: InvokeUp): Promise<void> {
    const sending = this.#channel.send(message)
    // Whoever waits for an answer awaits this; otherwise a failure does not matter: the reservations of a lost placer are lost with it.
    sending.catch(() => {})
    return sending
  }
}
