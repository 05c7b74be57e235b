import { CaresError } from '../../model/errors.ts'
import type { Payload } from '../../model/task.ts'

/** Payloads up to here are in the log themselves. Larger ones would make every peer keep, and every new peer fetch, what few will read. */
export const INLINE_PAYLOAD_BYTES_MAX = 65_536

/** What goes into tasks and comes out of them, wherever it is kept. */
export interface Payloads {
  /** The bytes of a payload. Throws `not_found` when nobody has them any more. */
  read(payload: Payload | undefined, options: { signal: AbortSignal }): AsyncIterable<Uint8Array>
  /** Keeps bytes so that a minority of peers may be lost. Throws `too_large`. */
  keep(bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<Payload>
}

/** Payloads that are all in the log. */
export class InlinePayloads implements Payloads {
  async *read(payload: Payload | undefined): AsyncGenerator<Uint8Array, void> {
    if (payload?.inline !== undefined && payload.inline !== '') yield Buffer.from(payload.inline, 'base64')
  }

  async keep(bytes: AsyncIterable<Uint8Array>): Promise<Payload> {
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of bytes) {
      length += chunk.length
      if (length > INLINE_PAYLOAD_BYTES_MAX)
        throw new CaresError('too_large', `a task's input and output have at most ${INLINE_PAYLOAD_BYTES_MAX} bytes`)
      chunks.push(chunk)
    }
    return { bytes: length, inline: Buffer.concat(chunks).toString('base64') }
  }
}
