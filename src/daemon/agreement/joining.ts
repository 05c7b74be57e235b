import type { ControlAnswer, PeerAddress } from '../../model/control.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { ClusterUid, PeerId } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Random } from '../../model/random.ts'
import { ask } from './control-client.ts'

const TRY_TIMEOUT_MS = 5_000
/** A peer that cannot get in keeps trying: the others may start later. It waits up to this long between tries, with jitter. */
const PAUSE_MS = { first: 200, max: 5_000 }
/** After this long without getting in, a warning is logged, and again from time to time. On an ordinary restart the others answer within a second or two. */
const WARN_AFTER_MS = 3_000
const WARN_EVERY_MS = 30_000

/** What a peer is told that is let in: the cluster, its members, and who leads it, if anybody does. */
export type Joined = Extract<ControlAnswer, { type: 'joined' }>

/** One `--bootstrap`: reaches that address and tells who answered. */
export interface Seed {
  readonly text: string
  dial(options: { signal: AbortSignal }): Promise<PeerId>
}

export interface JoiningComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly profile: () => PeerProfile
  readonly seeds: readonly Seed[]
}

/** A peer's way into a cluster: by the addresses it was given, or by those it remembers. */
export class Joining {
  readonly #components: JoiningComponents

  constructor(components: JoiningComponents) {
    this.#components = components
  }

  /**
   * Asks until some peer has let this one in. Resolves with what it was told.
   *
   * Throws what trying again cannot cure: `conflict` (the data directory belongs to another cluster), `invalid`, `unauthorized` (wrong
   * secret, or another peer answers at the address), `incompatible`.
   */
  async join({
    cluster,
    known,
    signal
  }: {
    cluster: ClusterUid | null
    known: readonly PeerAddress[]
    signal: AbortSignal
  }): Promise<Joined> {
    const { transport, clock, log, random } = this.#components
    if (known.length > 0) transport.setMembers(known)
    let warnAtMs = clock.nowMs() + WARN_AFTER_MS
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.max)) {
      let last: CaresError | undefined
      for await (const peer of this.#candidates(signal, error => (last = error))) {
        try {
          return await this.#askToJoin(peer, cluster, signal)
        } catch (err) {
          signal.throwIfAborted()
          last = toCaresError(err)
          if (LASTING.has(last.code)) throw last
        }
      }
      const why = { code: last?.code, reason: last?.message, hint: last?.hint, retryInMs: Math.round(pauseMs) }
      const isDue = clock.nowMs() >= warnAtMs
      if (isDue) warnAtMs = clock.nowMs() + WARN_EVERY_MS
      log[isDue ? 'warn' : 'debug'](why, 'no peer of the cluster has let this one in yet')
      await clock.sleep(pauseMs * (0.5 + random()), { signal })
    }
  }

  /**
   * Shows this peer to `others`, until half of them have answered or the signal aborts; resolves with those that have. Throws `conflict` when one of
   * them has seen a later life of this peer: then this one has lost what it promised in that life; `incompatible` when the log has commands that it cannot
   * read.
   */
  async introduce(others: readonly PeerAddress[], cluster: ClusterUid, { signal }: { signal: AbortSignal }): Promise<ReadonlySet<PeerId>> {
    const { transport, profile, log } = this.#components
    transport.learn(others)
    const request = { type: 'join', profile: profile(), cluster } as const
    const enough = new AbortController()
    const within = AbortSignal.any([signal, enough.signal])
    let refusal: CaresError | undefined
    const answered = new Set<PeerId>()
    await Promise.all(
      others.map(async ({ id }) => {
        try {
          await ask(transport, id, request, { signal: within })
        } catch (err) {
          const error = toCaresError(err)
          log.debug({ code: error.code, peer: id }, 'introduced to a peer, or not')
          if (error.details['outdated'] === true || error.details['tooOld'] === true) refusal = error
          // Not an answer of that peer.
          else if (within.aborted || UNANSWERED.has(error.code)) return
        }
        answered.add(id)
        if (refusal !== undefined || answered.size >= others.length / 2) enough.abort()
      })
    )
    if (refusal !== undefined) throw refusal
    return answered
  }

  /** Peers to ask: those at the given addresses, then those that this peer is connected to already. */
  async *#candidates(signal: AbortSignal, onError: (error: CaresError) => void): AsyncGenerator<PeerId, void> {
    const { transport, clock, seeds, log } = this.#components
    const tried = new Set<PeerId>()
    for (const seed of seeds) {
      try {
        const peer = await seed.dial({ signal: AbortSignal.any([signal, clock.timeout(TRY_TIMEOUT_MS)]) })
        if (peer === transport.self || tried.has(peer)) continue
        tried.add(peer)
        yield peer
      } catch (err) {
        signal.throwIfAborted()
        const error = toCaresError(err)
        log.debug({ err: error, seed: seed.text.split('#')[0] }, 'seed not reached')
        // A name may stand for several peers, this one among them: next time it may stand for another.
        if (error.details['self'] === true) continue
        if (LASTING.has(error.code)) throw error
        onError(error)
      }
    }
    for (const peer of transport.connected()) if (!tried.has(peer)) yield peer
  }

  /** Asks one peer, and whoever it points to instead. */
  async #askToJoin(peer: PeerId, cluster: ClusterUid | null, signal: AbortSignal): Promise<Joined> {
    const { transport, clock, profile } = this.#components
    const request = { type: 'join', profile: profile(), ...(cluster === null ? {} : { cluster }) } as const
    const within = (): AbortSignal => AbortSignal.any([signal, clock.timeout(TRY_TIMEOUT_MS)])
    try {
      return asJoined(await ask(transport, peer, request, { signal: within() }))
    } catch (err) {
      const { orchestrator, addresses } = toCaresError(err).details
      if (typeof orchestrator !== 'string' || orchestrator === transport.self || !isTextList(addresses)) throw err
      transport.learn([{ id: orchestrator as PeerId, addresses }])
      return asJoined(await ask(transport, orchestrator as PeerId, request, { signal: within() }))
    }
  }
}

/** Failures of peers that could not be asked. */
const UNANSWERED = new Set<string>(['peer_unreachable', 'peer_lost', 'cancelled'])

/** Failures that another try does not mend. */
const LASTING = new Set<string>(['conflict', 'invalid', 'unauthorized', 'incompatible'])

function asJoined(answer: ControlAnswer): Joined {
  if (answer.type !== 'joined') throw new CaresError('protocol', `a join was answered with ${answer.type}`)
  return answer
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}
