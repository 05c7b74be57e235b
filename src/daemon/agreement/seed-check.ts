import { CaresError, toCaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Members } from '../members/members.ts'
import { ask } from './control-client.ts'
import type { Seed } from './joining.ts'

/** First look after this long: by then the others have been heard, and need not be asked. Then with pauses that grow to `max`. */
const PAUSE_MS = { first: 5_000, max: 60_000 }
const TRY_TIMEOUT_MS = 5_000

export interface SeedCheckComponents {
  readonly transport: Transport
  readonly members: Pick<Members, 'stateOf'>
  readonly clock: Clock
  readonly log: Logger
  readonly profile: () => PeerProfile
  readonly seeds: readonly Seed[]
  /** The cluster of this peer; null while, or when, it is in none. */
  readonly cluster: () => ClusterUid | null
}

/**
 * Looks whether those at the addresses that a peer was given (`--bootstrap`) are of its cluster. A peer goes on with the cluster that its data directory
 * knows, whatever it is given: where the others have founded another one meanwhile, it works on without them, and nothing else would tell.
 */
export class SeedCheck implements Startable {
  readonly #components: SeedCheckComponents
  /** Who has answered there as one of this cluster: not asked again for as long as it is there. */
  readonly #ours = new Map<Seed, PeerId>()
  readonly #foreign = new Set<Seed>()
  readonly #stopping = new AbortController()
  #looking: Promise<void> | undefined

  constructor(components: SeedCheckComponents) {
    this.#components = components
  }

  /** Addresses at which peers of another cluster have answered. */
  get foreign(): readonly string[] {
    return [...this.#foreign].map(addressOf)
  }

  async start(): Promise<void> {
    this.#looking ??= this.#untilStopped()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new CaresError('stopping', 'the peer is stopping'))
    await this.#looking
  }

  async #untilStopped(): Promise<void> {
    const { clock, seeds, log } = this.#components
    const { signal } = this.#stopping
    if (seeds.length === 0) return
    try {
      for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.max)) {
        await clock.sleep(pauseMs, { signal })
        for (const seed of seeds) await this.#look(seed, signal)
      }
    } catch (err) {
      if (!signal.aborted) log.error({ err }, 'seeds are not looked at any more')
    }
  }

  async #look(seed: Seed, signal: AbortSignal): Promise<void> {
    const { members, log } = this.#components
    const own = this.#components.cluster()
    const known = this.#ours.get(seed)
    if (own === null || (known !== undefined && members.stateOf(known) !== 'gone')) return
    this.#ours.delete(seed)
    try {
      const cluster = await this.#clusterOf(seed, own, signal)
      if (cluster === own) this.#foreign.delete(seed)
      else if (!this.#foreign.has(seed)) {
        this.#foreign.add(seed)
        log.warn({ seed: addressOf(seed), theirs: cluster, own }, 'the peer at a bootstrap address belongs to another cluster')
      }
    } catch (err) {
      signal.throwIfAborted()
      log.debug({ err: toCaresError(err), seed: addressOf(seed) }, 'seed does not tell its cluster')
    }
  }

  /** The cluster of who answers there. Throws where nobody can be asked, or who answers is in none. */
  async #clusterOf(seed: Seed, own: ClusterUid, signal: AbortSignal): Promise<string> {
    const { transport, members, clock, profile } = this.#components
    const within = (): AbortSignal => AbortSignal.any([signal, clock.timeout(TRY_TIMEOUT_MS)])
    try {
      const peer = await seed.dial({ signal: within() })
      // Only words of the own cluster are heard.
      const isHeard = peer === transport.self || members.stateOf(peer) !== 'gone'
      if (isHeard) this.#ours.set(seed, peer)
      else await ask(transport, peer, { type: 'join', profile: profile(), cluster: own }, { signal: within() })
      return own
    } catch (err) {
      const { code, details } = toCaresError(err)
      if (details['self'] === true) this.#ours.set(seed, transport.self)
      if (typeof details['cluster'] === 'string') return details['cluster']
      // Who answers so has found the cluster right.
      if (details['self'] === true || code === 'not_orchestrator') return own
      throw err
    }
  }
}

/** Where it is, without the secret. */
function addressOf({ text }: Seed): string {
  return text.split('#')[0] ?? ''
}
