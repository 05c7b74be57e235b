import { CaresError } from '../../model/errors.ts'
import type { ExecuteDown, ExecuteUp, Order } from '../../model/invocation.ts'
import type { Channel } from '../../model/ports/transport.ts'

/** The body of an order, for one reader: what came inside the order, else what follows on the channel once this has asked for it by `accepted`. */
export class OrderBody implements AsyncIterable<Uint8Array> {
  readonly #inline: Uint8Array | undefined
  readonly #channel: Channel<ExecuteDown, ExecuteUp>
  #isComing = false

  constructor({ body }: Order, channel: Channel<ExecuteDown, ExecuteUp>) {
    this.#inline = body
    this.#channel = channel
  }

  /** Whether it was asked for and has not come to its end. */
  get isComing(): boolean {
    return this.#isComing
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    if (this.#inline !== undefined) {
      if (this.#inline.length > 0) yield this.#inline
      return
    }
    const channel = this.#channel
    try {
      this.#isComing = true
      await channel.send({ type: 'accepted' })
      while (true) {
        const message = await channel.receive()
        if (message === undefined) throw new CaresError('protocol', 'the request body ended without its end mark')
        if (message.type === 'end') {
          this.#isComing = false
          return
        }
        if (message.type !== 'body') throw new CaresError('protocol', `a request body cannot hold ${message.type}`)
        yield message.chunk
      }
    } catch (cause) {
      // With a code of its own: whatever the other side ended with (`stopping`, say), it does not mean that the function had not begun.
      throw new CaresError('peer_lost', 'the request body broke off', { cause })
    }
  }

  /** Tells the gateway to send no more of it. To be called after the answer was sent: nothing passes the channel afterwards. */
  refuse(): void {
    if (this.#isComing) this.#channel.abort(new CaresError('cancelled', 'the function reads no more of its input'))
  }
}
