import { CaresError } from '../../model/errors.ts'
import { INLINE_BODY_BYTES_MAX } from '../../model/invocation.ts'

/** A request body is kept for a second attempt up to this size; a larger one is sent once. */
export const REPLAY_BODY_BYTES_MAX = 2 ** 20

/**
 * A request body that can be sent again: what was read is kept, up to a bound, until {@link release}.
 *
 * One reader at a time: a later one gets everything from the start, and ends the one before it.
 */
export class ReplayBody {
  readonly #source: AsyncIterator<Uint8Array>
  #kept: Uint8Array[] = []
  #keptBytes = 0
  #readBytes = 0
  #ended = false
  #replayable = true
  /** The newest reader. Older ones end as soon as they notice: they may still wait for a client that is silent. */
  #reader: symbol | undefined

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Whether a reader that starts now gets the whole body. */
  get replayable(): boolean {
    return this.#replayable
  }

  get readBytes(): number {
    return this.#readBytes
  }

  /** The answer has begun and nobody will ask for the body again: a reader goes on, and what it has passed on is let go. */
  release(): void {
    this.#replayable = this.#readBytes === 0
    if (this.#reader === undefined) this.#kept = []
  }

  /** The whole body in one piece, or undefined if it is larger than fits inside a call (what was read is kept for {@link stream}). */
  async inline(): Promise<Uint8Array | undefined> {
    while (!this.#ended && this.#keptBytes <= INLINE_BODY_BYTES_MAX) await this.#pull()
    return this.#ended && this.#keptBytes <= INLINE_BODY_BYTES_MAX ? Buffer.concat(this.#kept) : undefined
  }

  /** The body from its start. Throws `conflict` when its start is no longer kept. */
  async *stream(): AsyncGenerator<Uint8Array, void> {
    if (!this.#replayable) throw new CaresError('conflict', 'the request body was already sent and is too large to be kept')
    let next = 0
    const reader = Symbol('reader')
    this.#reader = reader
    try {
      while (this.#reader === reader) {
        // Only this reader lets go of anything: an answer may begin, and `release` be called, between any two of its chunks.
        if (!this.#replayable) {
          this.#kept.splice(0, next)
          next = 0
        }
        const chunk = this.#kept[next]
        if (chunk !== undefined) {
          next++
          yield chunk
        } else if (this.#ended) {
          return
        } else {
          await this.#pull()
        }
      }
    } finally {
      if (this.#reader === reader) this.#reader = undefined
    }
  }

  async #pull(): Promise<void> {
    const result = await this.#source.next()
    if (result.done === true) {
      this.#ended = true
      return
    }
    const { value } = result
    this.#readBytes += value.length
    this.#keptBytes += value.length
    this.#kept.push(value)
    if (this.#keptBytes > REPLAY_BODY_BYTES_MAX) this.#replayable = false
  }

  /** Stops reading from the client. Does not wait for that: a source whose client is silent ends when the client goes. */
  cancel(): void {
    if (this.#ended) return
    this.#ended = true
    // Nobody is left to whom an error of the source would mean anything.
    this.#source.return?.().catch(() => {})
  }
}
