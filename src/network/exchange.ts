import { CaresError, toCaresError } from '../model/errors.ts'
import { fromRemoteError, toRemoteError } from '../model/remote-error.ts'
import type { LaneFrame } from '../wire/lane-codec.ts'

/** What each side may have on its way in one exchange at first: a call with a small body needs no more, and a thousand stalled ones take 256 MiB. */
export const WINDOW_BYTES = 262_144
/**
 * What it may come to where the reader keeps up: over a round trip of 80 ms, or of a busy machine, the first window is 3 MB/s, and this is 13. More
 * would not get past the window of the stream below.
 */
export const WINDOW_BYTES_MAX = 1_048_576
/** Counted for each message beside its bytes, so that many tiny messages cannot take memory that the window does not see. */
export const MESSAGE_COST_BYTES = 64
/** Credit is given back in quarters of the window: rarely enough to cost nothing, early enough never to stall a sender. */
const CREDITS_PER_WINDOW = 4
/** Calls of `send` that may wait for the window at once. Senders await each; this only stops one that does not. */
const SENDS_WAITING_MAX = 64

/** How soon the lane should look at what an exchange has to send. */
export type Urgency = 'now' | 'some time'

interface WaitingSend {
  readonly bytes: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: CaresError) => void
}

export interface ExchangeInit {
  /** Whether this side has opened it: then the other one must be told. */
  readonly dialled: boolean
  /** There is something to send. */
  readonly wake: (urgency: Urgency) => void
  /** Asked for so many bytes more of window; gives how many there are. They are given back when the exchange is over. */
  readonly widen: (bytes: number) => number
}

type FrameBody = LaneFrame extends infer Frame ? (Frame extends LaneFrame ? Omit<Frame, 'exchange'> : never) : never

/**
 * One side of one exchange: ordered byte messages both ways, each way within its window. It does no I/O: frames come in by `onFrame`, go out by
 * `nextFrame`, and `wake` says that there is something to send. The rules are in `protocols/lane.md`.
 */
export class Exchange {
  readonly id: number
  readonly #wake: (urgency: Urgency) => void
  readonly #widen: (bytes: number) => number
  readonly #controller = new AbortController()
  #failure: CaresError | undefined

  #openDue: boolean
  #abortDue: CaresError | undefined
  #endAsked = false
  #endSent = false
  /** What may still be sent; below zero after a message that was larger than the rest of the window. */
  #sendableBytes = WINDOW_BYTES
  readonly #outgoing: Uint8Array[] = []
  readonly #waiting: WaitingSend[] = []

  /** What the remote may have on its way. */
  #windowBytes = WINDOW_BYTES
  #remoteEnded = false
  #discarding = false
  readonly #incoming: Uint8Array[] = []
  #incomingBytes = 0
  #takenBytes = 0
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined

  constructor(id: number, { dialled, wake, widen }: ExchangeInit) {
    this.id = id
    this.#openDue = dialled
    this.#wake = wake
    this.#widen = widen
  }

  /** Aborted with a CaresError when the exchange has ended badly. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** By how much the window of the remote has been widened. */
  get widenedBytes(): number {
    return this.#windowBytes - WINDOW_BYTES
  }

  /** Whether nothing more will be sent or taken in. What has arrived can still be received. */
  get finished(): boolean {
    return this.#abortDue === undefined && (this.#failure !== undefined || (this.#endSent && this.#remoteEnded))
  }

  /** Resolves when the window lets the message go. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#endAsked) throw new CaresError('internal', 'a message was sent after the end of the exchange')
    if (this.#sendableBytes > 0 && this.#waiting.length === 0) {
      this.#enqueue(bytes)
      return
    }
    if (this.#waiting.length >= SENDS_WAITING_MAX) throw new CaresError('overloaded', 'too many messages wait to be sent in one exchange')
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject })
    })
  }

  /** The next message; undefined after the remote's end; throws what ended the exchange badly, after everything that came before. */
  async receive(): Promise<Uint8Array | undefined> {
    const bytes = this.#incoming.shift()
    if (bytes !== undefined) {
      this.#taken(bytes)
      return bytes
    }
    if (this.#failure !== undefined) throw this.#failure
    if (this.#remoteEnded) return undefined
    if (this.#reader !== undefined) throw new CaresError('internal', 'two readers of one exchange')
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  end(): void {
    if (this.#endAsked) return
    this.#endAsked = true
    // Where the remote has ended, nobody waits for this: it may travel with whatever is sent next.
    this.#wake(this.#remoteEnded ? 'some time' : 'now')
  }

  /**
   * Ends both sides. What was accepted for sending still goes out, within the window as it is, and the abort after it; what was not received is
   * dropped. Does nothing after a good end.
   */
  abort(reason: unknown): void {
    if (this.#failure !== undefined || (this.#endSent && this.#remoteEnded)) return
    const error = toCaresError(reason)
    this.#incoming.length = 0
    const unsent = this.#outgoing.splice(0)
    this.fail(error)
    // A dialler that never sent the open has nothing to tell.
    if (!this.#openDue) {
      this.#abortDue = error
      this.#outgoing.push(...unsent)
    }
    this.#wake('now')
  }

  /** Takes what the remote still sends and drops it: its side is served, but it does not know that yet. */
  discard(): void {
    this.#discarding = true
    for (const bytes of this.#incoming.splice(0)) this.#taken(bytes)
  }

  /** Ends the exchange badly from this side of the wire, without a word to the remote. */
  fail(error: CaresError): void {
    if (this.#failure !== undefined || this.finished) return
    this.#failure = error
    this.#outgoing.length = 0
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#reader?.reject(error)
    this.#reader = undefined
    this.#controller.abort(error)
  }

  /** Takes in one frame of the remote. Throws `protocol` when it breaks the rules of the lane. */
  onFrame(frame: LaneFrame): void {
    if (this.#failure !== undefined) return
    switch (frame.type) {
      case 'message':
        this.#onMessage(frame.bytes)
        break
      case 'credit':
        this.#sendableBytes += frame.bytes
        if (this.#sendableBytes > WINDOW_BYTES_MAX) throw new CaresError('protocol', 'lane: more credit than was used')
        this.#admitWaiting()
        break
      case 'end':
        if (this.#remoteEnded) throw new CaresError('protocol', 'lane: a second end')
        this.#remoteEnded = true
        this.#reader?.resolve(undefined)
        this.#reader = undefined
        break
      case 'abort':
        this.fail(fromRemoteError(frame.error))
        break
      case 'open':
        throw new CaresError('protocol', 'lane: an exchange was opened twice')
    }
  }

  /** The next frame to send, or undefined. */
  nextFrame(): LaneFrame | undefined {
    const body = this.#nextBody()
    return body === undefined ? undefined : { ...body, exchange: this.id }
  }

  #nextBody(): FrameBody | undefined {
    if (this.#failure !== undefined) return this.#lastBody()
    if (this.#openDue) {
      this.#openDue = false
      return { type: 'open' }
    }
    if (this.#creditDue && !this.#remoteEnded) {
      const bytes = this.#takenBytes + this.#moreWindow()
      this.#takenBytes = 0
      return { type: 'credit', bytes }
    }
    const bytes = this.#outgoing.shift()
    if (bytes !== undefined) return { type: 'message', bytes }
    if (this.#endAsked && !this.#endSent && this.#waiting.length === 0) {
      this.#endSent = true
      return { type: 'end' }
    }
    return undefined
  }

  get #creditDue(): boolean {
    return this.#takenBytes >= this.#windowBytes / CREDITS_PER_WINDOW
  }

  /** A reader that has nothing left to read waits for the wire, or for a sender that waits for its window: that one is doubled. */
  #moreWindow(): number {
    const wantedBytes = Math.min(this.#windowBytes, WINDOW_BYTES_MAX - this.#windowBytes)
    if (this.#incoming.length > 0 || this.#discarding || wantedBytes === 0) return 0
    const bytes = this.#widen(wantedBytes)
    this.#windowBytes += bytes
    return bytes
  }

  #lastBody(): FrameBody | undefined {
    if (this.#abortDue === undefined) return undefined
    const bytes = this.#outgoing.shift()
    if (bytes !== undefined) return { type: 'message', bytes }
    const error = toRemoteError(this.#abortDue, { started: true })
    this.#abortDue = undefined
    return { type: 'abort', error }
  }

  #enqueue(bytes: Uint8Array): void {
    this.#sendableBytes -= costOf(bytes)
    this.#outgoing.push(bytes)
    this.#wake('now')
  }

  #admitWaiting(): void {
    while (this.#sendableBytes > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#enqueue(next.bytes)
      next.resolve()
    }
    // An end that waited behind these is due now; enqueueing has woken the lane.
  }

  #onMessage(bytes: Uint8Array): void {
    if (this.#remoteEnded) throw new CaresError('protocol', 'lane: a message after the end')
    // The sender may start a message with one byte of window left, so what came before this one must be within it.
    if (this.#incomingBytes + this.#takenBytes >= this.#windowBytes)
      throw new CaresError('protocol', 'lane: more messages than the window allows')
    if (this.#discarding) this.#taken(bytes, 0)
    else if (this.#reader === undefined) {
      this.#incoming.push(bytes)
      this.#incomingBytes += costOf(bytes)
    } else {
      this.#reader.resolve(bytes)
      this.#reader = undefined
      this.#taken(bytes, 0)
    }
  }

  #taken(bytes: Uint8Array, bufferedBytes = costOf(bytes)): void {
    this.#incomingBytes -= bufferedBytes
    this.#takenBytes += costOf(bytes)
    if (this.#creditDue) this.#wake('now')
  }
}

function costOf(bytes: Uint8Array): number {
  return bytes.length + MESSAGE_COST_BYTES
}
