import { createHash } from 'node:crypto'
import { CaresError } from '../../model/errors.ts'
import type { InvocationId } from '../../model/ids.ts'
import type { InvocationRequest } from '../../model/service.ts'
import { AbortLinks } from '../abort-links.ts'

/** An idempotency key with the fingerprint of the request that came with it. */
export interface Keyed {
  /** See `keyOf`. */
  readonly key: string
  readonly print: RequestPrint
}

/**
 * What a call with an idempotency key has asked for, in short: a key that comes with another request is refused, and not answered with what was asked
 * for before. Of the body counts what was read of it: a function may answer before it has read all.
 */
export class RequestPrint {
  readonly #head: string
  readonly #hash = createHash('sha256')
  readonly #read = Promise.withResolvers<void>()
  #bytes = 0
  #isWhole = false
  #digest: string | undefined

  constructor(request: InvocationRequest) {
    this.#head = headOf(request)
  }

  /** The body itself, for whoever carries the call out. */
  async *reading(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of body) {
        if (this.#digest === undefined) {
          this.#hash.update(chunk)
          this.#bytes += chunk.length
        }
        yield chunk
      }
      if (this.#digest === undefined) this.#isWhole = true
    } finally {
      this.close()
    }
  }

  /** Nothing more of the body will be read, or count: its call has ended, though its function may read on. May be called again. */
  close(): void {
    this.#digest ??= this.#hash.digest('hex')
    this.#read.resolve()
  }

  /** Throws `conflict` unless a later request with the same key asks for the same. Waits until the first one was read, and reads the later one. */
  async check(later: InvocationRequest, first: InvocationId, { signal }: { signal: AbortSignal }): Promise<void> {
    if (headOf(later) === this.#head) {
      await this.#wasRead({ signal })
      if (await this.#isSameBody(later.body)) return
    }
    throw new CaresError('conflict', `the idempotency key was used for another request, invocation ${first}`, {
      hint: 'give each request a key of its own',
      details: { invocation: first }
    })
  }

  async #wasRead({ signal }: { signal: AbortSignal }): Promise<void> {
    const turn = Promise.withResolvers<void>()
    using links = new AbortLinks()
    links.add(signal, reason => turn.reject(reason))
    void this.#read.promise.then(turn.resolve)
    await turn.promise
  }

  async #isSameBody(body: AsyncIterable<Uint8Array>): Promise<boolean> {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of body) {
      hash.update(chunk.subarray(0, Math.max(0, this.#bytes - bytes)))
      bytes += chunk.length
      if (bytes > this.#bytes || (bytes === this.#bytes && !this.#isWhole)) break
    }
    return (bytes === this.#bytes || (bytes > this.#bytes && !this.#isWhole)) && hash.digest('hex') === this.#digest
  }
}

/** What is asked of the function, and of CARES, apart from how long it may take. */
function headOf({ head: { method, path, query }, on = '', asked }: InvocationRequest): string {
  return [method, path, query, on, ...(asked === undefined ? [] : [JSON.stringify(asked)])].join('\n')
}
