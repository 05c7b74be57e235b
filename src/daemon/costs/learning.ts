import { ObservationHistory } from '../../core/predictor/observation-history.ts'
import { type EstimateQuestion, Predictor } from '../../core/predictor/predictor.ts'
import type { PeerId, Session } from '../../model/ids.ts'
import type { KnownObservations, Observation, SharedObservation } from '../../model/observation.ts'
import type { PeerView } from '../../model/peer.ts'
import type { CacheNeed } from '../../model/llc.ts'
import type { Estimate } from '../../model/placement.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { ObservationStore } from '../../model/ports/observation-store.ts'
import type { Startable } from '../../model/ports/startable.ts'
import type { Transport } from '../../model/ports/transport.ts'
import type { Random } from '../../model/random.ts'
import { ask } from '../agreement/control-client.ts'

/** How often a peer asks another one for news, and writes its own down. A new orchestrator is at most so far behind the old one. */
const SHARE_MS = 2_000
/** Longest that one question may take. */
const ASK_TIMEOUT_MS = 2_000
/** Observations in one answer; the most that the wire takes. */
const ANSWER_MAX = 512
/** Questions in a row while there is more: enough for a whole history, and an end for a peer that always has more. */
const QUESTIONS_MAX = 64
/** Every fourth question goes to another peer than the orchestrator: gateways that placed by fallback know what it does not. */
const OTHERS_EVERY = 4
/** Observations that are learned from in one turn of the event loop: a few milliseconds. */
const SLICE = 200
/** Numbers that each session has for its observations, far more than it can use: those of a later session are all higher. */
const SESSION_OBSERVATIONS_MAX = 1e9

export interface LearningComponents {
  readonly transport: Transport
  /** Absent: what was observed is forgotten with the process. */
  readonly store?: ObservationStore | undefined
  readonly views: () => readonly PeerView[]
  readonly orchestrator: () => PeerId | null
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
}

/**
 * What this peer has learned, and how it comes to know what others have: each asks another one every two seconds for the observations that it
 * lacks, mostly the orchestrator. So whoever is elected next predicts from what the cluster has learned, and a new peer knows it after one
 * exchange.
 */
export class Learning implements Startable {
  readonly #self: PeerId
  readonly #components: LearningComponents
  readonly #predictor = new Predictor()
  readonly #history = new ObservationHistory()
  readonly #stopping = new AbortController()
  #seq: number
  #timer: Disposable | undefined
  #round = 0
  #added: SharedObservation[] = []
  #dropped: SharedObservation[] = []

  constructor({ self, session }: { self: PeerId; session: Session }, components: LearningComponents) {
    this.#self = self
    this.#seq = session * SESSION_OBSERVATIONS_MAX
    this.#components = components
  }

  /** Observations that are known. */
  get count(): number {
    return this.#history.count
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    const { store, clock, log } = this.#components
    try {
      await store?.start()
      await this.#learn((await store?.load()) ?? [])
      this.#added = []
    } catch (err) {
      log.warn({ err }, 'observations of earlier could not be read')
    }
    this.#timer = clock.every(SHARE_MS, () => this.#share())
    void this.#share()
  }

  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#stopping.abort()
    await this.#write()
    await this.#components.store?.stop()
  }

  /** See `Predictor`. */
  estimate(question: EstimateQuestion): Estimate {
    return this.#predictor.estimate(question)
  }

  /** See `Predictor`. */
  cacheNeed(fn: string): CacheNeed | undefined {
    return this.#predictor.cacheNeed(fn)
  }

  /** See `Predictor`. */
  slowness(peer: PeerId): number {
    return this.#predictor.slowness(peer)
  }

  /** Learns from an execution that this peer has placed. */
  observe(observation: Observation): void {
    this.#predictor.observe(observation)
    const shared = { ...observation, origin: this.#self, seq: ++this.#seq, at: this.#components.clock.timestamp() }
    this.#note([shared])
  }

  /** Takes note of how fast machines have said that they are. */
  meet(views: readonly PeerView[]): void {
    for (const { profile } of views) if (profile.speed !== undefined) this.#predictor.seedSpeed(profile.id, profile.speed)
  }

  /** The observations that a peer with this knowledge lacks. */
  answer(known: KnownObservations): { observations: readonly SharedObservation[]; more: boolean } {
    return this.#history.since(known, ANSWER_MAX)
  }

  async #share(): Promise<void> {
    await this.#write()
    const peer = this.#partner()
    if (peer === undefined) return
    const { transport, clock, log } = this.#components
    try {
      for (let i = 0; i < QUESTIONS_MAX; i++) {
        const signal = AbortSignal.any([this.#stopping.signal, clock.timeout(ASK_TIMEOUT_MS)])
        const answer = await ask(transport, peer, { type: 'observations', known: this.#history.known() }, { signal })
        if (answer.type !== 'observations') return
        await this.#learn(answer.observations)
        if (!answer.more) return
      }
    } catch (err) {
      // It is asked again, or another one is.
      log.debug({ err, peer }, 'observations of a peer are missing')
    }
  }

  /** Whom to ask: the orchestrator places nearly everything, but not all. */
  #partner(): PeerId | undefined {
    const { views, orchestrator, random } = this.#components
    const others = views().filter(({ profile, state }) => profile.id !== this.#self && (state === 'alive' || state === 'draining'))
    const leader = others.find(({ profile }) => profile.id === orchestrator())
    if (leader !== undefined && this.#round++ % OTHERS_EVERY !== OTHERS_EVERY - 1) return leader.profile.id
    return others[Math.floor(random() * others.length)]?.profile.id
  }

  async #learn(observations: readonly SharedObservation[]): Promise<void> {
    for (let from = 0; from < observations.length; from += SLICE) {
      if (from > 0) await this.#components.clock.sleep(0, { signal: this.#stopping.signal })
      for (const each of this.#note(observations.slice(from, from + SLICE))) this.#predictor.observe(each)
    }
  }

  /** Returns those that were new. */
  #note(observations: readonly SharedObservation[]): readonly SharedObservation[] {
    const { added, dropped } = this.#history.add(observations)
    this.#added.push(...added)
    this.#dropped.push(...dropped)
    return added
  }

  async #write(): Promise<void> {
    const { store, log } = this.#components
    const [added, dropped] = [this.#added, this.#dropped]
    this.#added = []
    this.#dropped = []
    if (store === undefined || (added.length === 0 && dropped.length === 0)) return
    try {
      await store.write(added, dropped)
    } catch (err) {
      log.warn({ err, observations: added.length }, 'observations were not written down')
    }
  }
}
