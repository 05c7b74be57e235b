import { CaresError } from '../../model/errors.ts'
import {
  type AnswerDown,
  type AnswerEnd,
  type AnswerHead,
  INLINE_BODY_BYTES_MAX,
  type RemoteError,
  type Run,
  type WholeAnswer
} from '../../model/invocation.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/** Bytes of a body that are kept after they were read, so that a reader can go on over another connection; and that may be written ahead of all readers. */
const WINDOW_BYTES_MAX = 2 ** 20

/**
 * The answer of one execution, written once and readable from any byte that is still kept.
 *
 * The connection that carries an answer can break in the middle; the gateway then attaches and reads on from where it was. So the last
 * {@link WINDOW_BYTES_MAX} bytes stay here after they were read, and the writer waits while that much is unread by everyone.
 */
export class AnswerBuffer {
  #head: AnswerHead | undefined
  #end: AnswerEnd | undefined
  #failure: Extract<AnswerDown, { type: 'failed' }> | undefined
  #chunks: Uint8Array[] = []
  /** Position of the first kept byte, of the byte after the last, and of the most advanced reader. */
  #keptFrom = 0
  #writtenTo = 0
  #readTo = 0
  #wake = Promise.withResolvers<void>()

  /** Whether the answer is complete, well or badly. */
  get finished(): boolean {
    return this.#end !== undefined || this.#failure !== undefined
  }

  get keptBytes(): number {
    return this.#writtenTo - this.#keptFrom
  }

  setHead(head: AnswerHead): void {
    this.#head = head
    this.#notify()
  }

  /** The head, and all the rest with it. */
  complete(head: AnswerHead, { body, end }: WholeAnswer): void {
    this.#head = head
    if (body.length > 0) this.#chunks.push(body)
    this.#writtenTo += body.length
    this.end(end)
  }

  /** Resolves when there is room for more, or rejects with the signal's reason. */
  async write(chunk: Uint8Array, { signal }: { signal: AbortSignal }): Promise<void> {
    this.#chunks.push(chunk)
    this.#writtenTo += chunk.length
    this.#notify()
    while (this.#writtenTo - this.#readTo > WINDOW_BYTES_MAX) {
      await this.#changed(signal)
    }
  }

  end(end: AnswerEnd): void {
    this.#end = end
    this.#notify()
  }

  /** With what it has taken, where it had begun. */
  fail(error: RemoteError, run?: Run): void {
    this.#failure = { type: 'failed', error, ...(run === undefined ? {} : { run }) }
    this.#notify()
  }

  /** Lets the body go; that the answer is finished stays known. */
  drop(): void {
    this.#chunks = []
    this.#keptFrom = this.#writtenTo
    this.#notify()
  }

  /**
   * The answer as it travels, its body from byte `offset` on. Ends after `answer-end` or `failed`.
   *
   * Throws `peer_lost` (`details.execution` is `completed` or `running`) when the bytes at the offset are no longer kept.
   */
  async *read(offset: number, { signal }: { signal: AbortSignal }): AsyncGenerator<AnswerDown, void> {
    while (this.#head === undefined && this.#failure === undefined) await this.#changed(signal)
    if (offset === 0 && this.#isShort) {
      yield { type: 'answer', head: this.#head as AnswerHead, whole: { body: Buffer.concat(this.#chunks), end: this.#end as AnswerEnd } }
      this.#advance(this.#writtenTo)
      return
    }
    if (this.#head !== undefined) yield { type: 'answer', head: this.#head }
    let position = offset
    while (true) {
      if (position < this.#keptFrom) {
        const execution = this.finished ? 'completed' : 'running'
        throw new CaresError('peer_lost', 'the worker no longer keeps this part of the answer', { details: { execution } })
      }
      const chunk = this.#at(position)
      if (chunk !== undefined) {
        yield { type: 'body', chunk }
        position += chunk.length
        this.#advance(position)
      } else if (this.#failure !== undefined) {
        yield this.#failure
        return
      } else if (this.#end !== undefined) {
        yield { type: 'answer-end', end: this.#end }
        return
      } else {
        await this.#changed(signal)
      }
    }
  }

  /** Whether all of a small answer is here. */
  get #isShort(): boolean {
    return this.#head !== undefined && this.#end !== undefined && this.#keptFrom === 0 && this.#writtenTo <= INLINE_BODY_BYTES_MAX
  }

  #at(position: number): Uint8Array | undefined {
    if (position >= this.#writtenTo) return undefined
    let start = this.#writtenTo
    // From the end: that is where readers are.
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i] as Uint8Array
      start -= chunk.length
      if (position >= start) return chunk.subarray(position - start)
    }
    return undefined
  }

  #advance(position: number): void {
    if (position <= this.#readTo) return
    this.#readTo = position
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#writtenTo - this.#keptFrom - first.length < WINDOW_BYTES_MAX || this.#keptFrom + first.length > this.#readTo) break
      this.#keptFrom += first.length
      this.#chunks.shift()
    }
    this.#notify()
  }

  #notify(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  async #changed(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#wake.promise, signal)
  }
}
