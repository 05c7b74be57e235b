import { CaresError, toCaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Channel } from '../model/ports/transport.ts'
import { fromRemoteError, toRemoteError } from '../model/remote-error.ts'
import { MESSAGE_COST_BYTES, WINDOW_BYTES } from './exchange.ts'
import { split } from './protocols.ts'

/** Calls of `send` that may wait at once, as in a lane's exchange. */
const SENDS_WAITING_MAX = 64

/** Both ends of one exchange of a peer with itself. */
export interface LocalPair<Up extends object, Down extends object> {
  readonly dialler: LocalChannel<Up, Down>
  readonly acceptor: LocalChannel<Down, Up>
}

/**
 * An exchange of a peer with itself: the messages themselves are handed over, so that a call that stays on its peer pays for no encoding. Window,
 * ends and errors are those of a lane's exchange; one compliance suite holds both to it.
 */
export function createLocalPair<Up extends object, Down extends object>(self: PeerId, onEnded: () => void = () => {}): LocalPair<Up, Down> {
  const dialler = new LocalChannel<Up, Down>(self, onEnded)
  const acceptor = new LocalChannel<Down, Up>(self, onEnded)
  dialler.join(acceptor)
  acceptor.join(dialler)
  return { dialler, acceptor }
}

/** One end. */
class LocalChannel<Out extends object, In extends object> implements Channel<Out, In> {
  readonly remote: PeerId
  readonly #onEnded: () => void
  readonly #controller = new AbortController()
  /** Set by {@link join}. */
  #other!: LocalChannel<In, Out>
  /** What the other end may still send. */
  #roomBytes = WINDOW_BYTES
  readonly #incoming: In[] = []
  #reader: PromiseWithResolvers<In | undefined> | undefined
  readonly #senders: PromiseWithResolvers<void>[] = []
  #isEnded = false
  #isDiscarding = false
  #failure: CaresError | undefined

  constructor(remote: PeerId, onEnded: () => void) {
    this.remote = remote
    this.#onEnded = onEnded
  }

  /** To be called once, before anything else. */
  join(other: LocalChannel<In, Out>): void {
    this.#other = other
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async send(message: Out): Promise<void> {
    // As on a lane: what is on its way is counted in parts of this size by whoever must be able to send it again.
    for (const part of split(message)) await this.#sendPart(part)
  }

  async #sendPart(message: Out): Promise<void> {
    const other = this.#open()
    while (other.#roomBytes <= 0) {
      if (other.#senders.length >= SENDS_WAITING_MAX)
        throw new CaresError('overloaded', 'too many messages wait to be sent in one exchange')
      const turn = Promise.withResolvers<void>()
      other.#senders.push(turn)
      await turn.promise
      this.#open()
    }
    other.#accept(message)
  }

  async receive(): Promise<In | undefined> {
    const message = this.#incoming.shift()
    if (message !== undefined) {
      this.#taken(message)
      return message
    }
    if (this.#failure !== undefined) throw this.#failure
    if (this.#other.#isEnded) return undefined
    if (this.#reader !== undefined) throw new CaresError('internal', 'two readers of one exchange')
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#other.#takeReader()?.resolve(undefined)
    if (this.#other.#isEnded) this.#onEnded()
  }

  abort(reason: Error): void {
    if (this.#failure !== undefined || (this.#isEnded && this.#other.#isEnded)) return
    const error = toCaresError(reason)
    this.#incoming.length = 0
    this.fail(error)
    // As it would arrive from another peer, and after what was sent before.
    this.#other.fail(fromRemoteError(toRemoteError(error, { started: true })))
    this.#onEnded()
  }

  /** Takes what still comes and drops it. */
  discard(): void {
    this.#isDiscarding = true
    for (const message of this.#incoming.splice(0)) this.#taken(message)
  }

  /** Ends this side badly. What has arrived can still be received. */
  fail(error: CaresError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const sender of [...this.#senders.splice(0), ...this.#other.#senders.splice(0)]) sender.resolve()
    this.#takeReader()?.reject(error)
    this.#controller.abort(error)
  }

  /** Whoever waits for this end's next message; nobody does afterwards. */
  #takeReader(): PromiseWithResolvers<In | undefined> | undefined {
    const reader = this.#reader
    this.#reader = undefined
    return reader
  }

  /** The other end, if something may be sent to it. */
  #open(): LocalChannel<In, Out> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isEnded) throw new CaresError('internal', 'a message was sent after the end of the exchange')
    return this.#other
  }

  #accept(message: In): void {
    if (this.#isDiscarding) return
    this.#roomBytes -= costOf(message)
    const reader = this.#takeReader()
    if (reader === undefined) {
      this.#incoming.push(message)
      return
    }
    this.#taken(message)
    reader.resolve(message)
  }

  #taken(message: In): void {
    this.#roomBytes += costOf(message)
    if (this.#roomBytes > 0) this.#senders.shift()?.resolve()
  }
}

function costOf(message: object): number {
  return MESSAGE_COST_BYTES + ('chunk' in message && message.chunk instanceof Uint8Array ? message.chunk.length : 0)
}
