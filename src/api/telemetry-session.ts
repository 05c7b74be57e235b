import type { WebSocket } from '@fastify/websocket'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { EventName, EventRecord } from '../model/events.ts'
import { REST_PATHS } from '../model/rest-paths.ts'
import { WS_PROTOCOL, type WsMessage, type WsSubscribe, wsSubscribeSchema } from '../model/rest-telemetry.ts'
import type { PeerListing, PeerService } from '../model/service.ts'
import type { ApiContext } from './context.ts'
import { problemAnswer } from './errors.ts'
import { eventNames, idText, resumeAfter } from './event-ids.ts'
import { clusterView } from './views/cluster-view.ts'
import { peerNames } from './views/names.ts'

/** A client that takes nothing for so long is not there any more, or will never be fast enough. */
const STALLED_MS = 30_000
/** Proxies give up on a connection that is silent for a minute or so. A client that has not answered one ping by the next is gone. */
const PING_MS = 15_000
/** A client that is told to close has this long to do so. */
const CLOSE_MS = 2_000
/** Messages that a client may send between two pings; it needs one. */
const RECEIVED_MAX = 64

/** Close codes (RFC 6455, 7.4.1). */
const CLOSE = { goingAway: 1_001, policyViolation: 1_008, internalError: 1_011 } as const

/** What a client wants to be told. */
export interface Subscription {
  /** The same for clients with the same wish: they share texts. */
  readonly key: string
  readonly types: readonly EventName[] | undefined
  readonly peers: ReadonlySet<string> | undefined
  readonly stats: boolean
  readonly after: ReturnType<typeof resumeAfter>
}

/** Throws `invalid`, `bad_request`, `not_found`, `conflict` for a subscription that cannot be. */
export function readSubscription({ types, peers, stats = true, after }: WsSubscribe, service: PeerService): Subscription {
  const wanted = types === undefined ? undefined : eventNames(types)
  const ids = peers?.map(peer => service.peer(peer).profile.id).sort()
  return {
    key: `${wanted?.join() ?? '*'} ${ids?.join() ?? '*'}`,
    types: wanted,
    peers: ids === undefined ? undefined : new Set(ids),
    stats,
    after: resumeAfter(after, service.profile.session)
  }
}

/**
 * One client of the WebSocket, from `hello` to its end. The next message is made when the last one has been taken, out of what is new by then: so
 * a slow client holds one message, gets the newest state of each peer, and is told how many events it missed.
 */
export class TelemetrySession {
  readonly #socket: WebSocket
  readonly #context: ApiContext
  readonly #gone = new AbortController()
  #subscription: Subscription
  /** What the client has asked for since, and has not got yet. */
  #wish: Subscription | undefined
  #received = 0
  #answersPings = true
  #lastId = 0
  /** The beat whose news the client has. */
  #beat = 0
  #gap: 'slow' | 'expired' = 'slow'

  constructor(socket: WebSocket, context: ApiContext, first: Subscription) {
    this.#socket = socket
    this.#context = context
    this.#subscription = first
    this.#wish = first
  }

  /** Serves the client until it goes or the API stops. Never rejects. */
  async run(): Promise<void> {
    const { clock, feed, stopping, service, log } = this.#context
    const signal = AbortSignal.any([stopping, this.#gone.signal])
    this.#socket.on('close', () => this.#gone.abort())
    this.#socket.on('pong', () => {
      this.#answersPings = true
    })
    this.#socket.on('message', (data: Buffer) => this.#onMessage(data.toString()))
    using _pings = clock.every(PING_MS, () => this.#ping())
    using _reader = feed.join()
    try {
      const { id, name, version } = service.profile
      await this.#send({ type: 'hello', protocol: WS_PROTOCOL, peer: { id, name }, version, at: clock.timestamp() })
      while (!signal.aborted) {
        const { beat } = feed
        await this.#tell(beat)
        await feed.after(beat, { signal })
      }
      this.#close(CLOSE.goingAway, 'this peer is stopping')
    } catch (err) {
      log.warn({ err }, 'telemetry socket failed')
      this.#close(CLOSE.internalError, 'internal')
    }
  }

  /** Sends what is new up to `beat`. */
  async #tell(beat: number): Promise<void> {
    const { feed, clock } = this.#context
    if (this.#wish !== undefined) await this.#subscribe(this.#wish)
    else if (this.#subscription.stats && feed.hasForgotten(this.#beat)) await this.#snapshot()
    else if (this.#subscription.stats) {
      const isWanted = this.#wantsPeer
      const key = `peers ${this.#beat} ${this.#subscription.key}`
      const items = feed.changedPeers(this.#beat, isWanted)
      if (items.length > 0) await this.#write(feed.shared(key, () => text({ type: 'peers', at: clock.timestamp(), items })))
    }
    this.#beat = beat
    await this.#tellEvents()
  }

  async #tellEvents(): Promise<void> {
    const { feed, service } = this.#context
    const { session } = service.profile
    const { events, missed, lastId } = feed.news(this.#lastId, this.#wantsEvent)
    if (missed > 0) await this.#send({ type: 'missed', events: missed, reason: this.#gap, lastId: idText(session, this.#lastId) })
    const key = `events ${this.#lastId}-${lastId} ${this.#subscription.key}`
    this.#lastId = lastId
    this.#gap = 'slow'
    if (events.length > 0)
      await this.#write(feed.shared(key, () => text({ type: 'events', items: events, lastId: idText(session, lastId) })))
  }

  async #subscribe(wish: Subscription): Promise<void> {
    this.#wish = undefined
    this.#subscription = wish
    const { service } = this.#context
    const newest = service.lastEventId()
    this.#lastId = Math.min(wish.after?.id ?? newest, newest)
    this.#gap = 'expired'
    await this.#snapshot()
    if (wish.after?.restarted === true)
      await this.#send({ type: 'missed', events: 0, reason: 'restarted', lastId: idText(service.profile.session, 0) })
    // All that is kept of this life was asked for: what is not kept is no gap.
    if (this.#lastId === 0) this.#lastId = Math.max(0, (service.eventsAfter(0)[0]?.id ?? newest + 1) - 1)
  }

  async #snapshot(): Promise<void> {
    const { service, clock, feed } = this.#context
    await this.#send({
      type: 'snapshot',
      at: clock.timestamp(),
      cluster: clusterView(service.cluster(), { name: peerNames(service), showSecret: false }),
      peers: feed.changedPeers(-1, this.#wantsPeer),
      lastId: idText(service.profile.session, this.#lastId)
    })
  }

  readonly #wantsPeer = ({ profile }: PeerListing): boolean => this.#subscription.peers?.has(profile.id) ?? true

  /** Events that are about no peer, or about the whole cluster, go to everyone. */
  readonly #wantsEvent = ({ type, data }: EventRecord): boolean => {
    const { types, peers } = this.#subscription
    if (types !== undefined && !types.includes(type)) return false
    if (peers === undefined) return true
    const about = 'peer' in data ? data.peer : 'worker' in data ? data.worker : null
    return about === null || peers.has(about)
  }

  #onMessage(data: string): void {
    if (++this.#received > RECEIVED_MAX) {
      this.#close(CLOSE.policyViolation, 'too many messages')
      return
    }
    try {
      const parsed = wsSubscribeSchema.safeParse(JSON.parse(data))
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new CaresError('invalid', `not a message of ${WS_PROTOCOL}: ${issue?.path.join('.')} ${issue?.message}`)
      }
      this.#wish = readSubscription(parsed.data, this.#context.service)
      this.#context.feed.nudge()
    } catch (err) {
      const error = err instanceof SyntaxError ? new CaresError('invalid', 'a message must be JSON', { cause: err }) : toCaresError(err)
      void this.#send({ type: 'problem', problem: problemAnswer(error, REST_PATHS.ws).problem })
    }
  }

  #ping(): void {
    this.#received = 0
    if (!this.#answersPings) this.#socket.terminate()
    this.#answersPings = false
    this.#socket.ping()
  }

  async #send(message: WsMessage): Promise<void> {
    await this.#write(Buffer.from(text(message)))
  }

  /** Resolves when the client has taken it, or is gone. */
  async #write(message: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stalled = this.#context.clock.timeout(STALLED_MS)
    const onStalled = (): void => this.#socket.terminate()
    stalled.addEventListener('abort', onStalled)
    this.#socket.send(message, { binary: false }, () => resolve())
    await promise
    stalled.removeEventListener('abort', onStalled)
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    this.#context.clock.timeout(CLOSE_MS).addEventListener('abort', () => this.#socket.terminate())
  }
}

function text(message: WsMessage): string {
  return JSON.stringify(message)
}
