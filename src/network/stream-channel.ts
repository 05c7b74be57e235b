import type { Stream } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { CaresError, toCaresError } from '../model/errors.ts'
import type { PeerId } from '../model/ids.ts'
import type { Channel } from '../model/ports/transport.ts'
import type { Codec } from '../wire/codec.ts'
import { IMAGE_GRANT_BYTES_MAX, MESSAGE_BYTES_MAX } from '../wire/limits.ts'

/** What a channel needs of a libp2p stream. */
export type OwnStream = Pick<Stream, 'send' | 'close' | 'abort' | 'status' | 'addEventListener' | typeof Symbol.asyncIterator>

/** Bytes that may wait for the reader: what it has granted, and one message of other kinds. More means that the remote breaks the protocol. */
const UNREAD_BYTES_MAX = IMAGE_GRANT_BYTES_MAX + MESSAGE_BYTES_MAX
/** What a message costs to keep besides its bytes, so that a flood of empty ones is bounded, too. */
const MESSAGE_COST_BYTES = 64

/**
 * An exchange on a stream of its own, for bulk: messages with their length before them, an empty one as the end of a side.
 *
 * Sending waits for the stream (its `drain` event: `onDrain()` works only once). Reading never pauses: protocols on such streams say how many
 * bytes may come, and more than that ends the exchange. Unlike on a lane, the remote of an `abort` hears only that the exchange is lost.
 */
export class StreamChannel<Out, In> implements Channel<Out, In> {
  readonly remote: PeerId
  readonly #stream: OwnStream
  readonly #out: Codec<Out>
  readonly #in: Codec<In>
  readonly #controller = new AbortController()
  readonly #unread: (In | undefined)[] = []
  readonly #sizes: number[] = []
  #unreadBytes = 0
  #reader: PromiseWithResolvers<In | undefined> | undefined
  #drained: PromiseWithResolvers<void> | undefined
  #discarding = false
  #ended = false
  #remoteEnded = false

  /** Must be called in the turn in which the stream was opened: what ended it earlier is not told again. */
  constructor(stream: OwnStream, { remote, out, incoming }: { remote: PeerId; out: Codec<Out>; incoming: Codec<In> }) {
    this.remote = remote
    this.#stream = stream
    this.#out = out
    this.#in = incoming
    stream.addEventListener('drain', () => {
      this.#drained?.resolve()
      this.#drained = undefined
    })
    void this.#read()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async send(message: Out): Promise<void> {
    const parts = this.#out.encodeParts?.(message) ?? [this.#out.encode(message)]
    while (this.#drained !== undefined) await this.#drained.promise
    this.signal.throwIfAborted()
    if (this.#ended) throw new CaresError('internal', 'a message after the end of this side')
    this.#write(encode.single(new Uint8ArrayList(...parts)))
  }

  async receive(): Promise<In | undefined> {
    if (this.#unread.length > 0) {
      this.#unreadBytes -= this.#sizes.shift() ?? 0
      return this.#unread.shift()
    }
    this.signal.throwIfAborted()
    if (this.#remoteEnded) return undefined
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  end(): void {
    if (this.#ended || this.signal.aborted) return
    this.#ended = true
    this.#write(encode.single(new Uint8Array()))
    this.#closeWhenDone()
  }

  /** Whatever still comes is dropped. */
  discard(): void {
    this.#discarding = true
    this.#unread.length = 0
    this.#sizes.length = 0
    this.#unreadBytes = 0
  }

  abort(reason: Error): void {
    this.#fail(toCaresError(reason))
  }

  async #read(): Promise<void> {
    try {
      if (this.#stream.status !== 'open') throw new Error(`the stream is ${this.#stream.status}`)
      await pipe(
        this.#stream,
        source => decode(source, { maxDataLength: MESSAGE_BYTES_MAX }),
        async source => {
          for await (const frame of source) this.#onFrame(frame)
        }
      )
      if (!this.#remoteEnded) throw new Error('the stream ended before its exchange did')
    } catch (cause) {
      const error = cause instanceof CaresError ? cause : new CaresError('peer_lost', 'the connection was lost', { cause })
      // What came after both ends had been heard is no loss.
      if (!(this.#remoteEnded && this.#ended)) this.#fail(error)
    }
  }

  #onFrame(frame: Uint8ArrayList): void {
    if (this.#remoteEnded) throw new CaresError('protocol', 'a message after the end')
    const isEnd = frame.byteLength === 0
    const message = isEnd ? undefined : this.#in.decode(frame.subarray())
    this.#remoteEnded = isEnd
    if (this.#reader !== undefined) {
      this.#reader.resolve(message)
      this.#reader = undefined
    } else if (!isEnd && !this.#discarding) {
      const size = frame.byteLength + MESSAGE_COST_BYTES
      this.#unreadBytes += size
      if (this.#unreadBytes > UNREAD_BYTES_MAX) throw new CaresError('protocol', 'more messages than were asked for')
      this.#unread.push(message)
      this.#sizes.push(size)
    }
    this.#closeWhenDone()
  }

  #write(bytes: Uint8ArrayList): void {
    try {
      if (!this.#stream.send(bytes)) this.#drained ??= Promise.withResolvers()
    } catch (cause) {
      const error = new CaresError('peer_lost', 'the connection was lost', { cause })
      this.#fail(error)
      throw error
    }
  }

  #closeWhenDone(): void {
    if (!this.#ended || !this.#remoteEnded) return
    // Both sides have said all they had to say; a connection that breaks now takes nothing away.
    this.#stream.close().catch((cause: unknown) => this.#stream.abort(toCaresError(cause)))
  }

  #fail(error: CaresError): void {
    if (this.signal.aborted) return
    this.#controller.abort(error)
    this.#reader?.reject(error)
    this.#reader = undefined
    this.#drained?.resolve()
    this.#drained = undefined
    this.#stream.abort(error)
  }
}
