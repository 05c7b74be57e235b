import { CaresError } from '../../model/errors.ts'
import type { Digest } from '../../model/ids.ts'
import type { BlobRef, Payload } from '../../model/task.ts'
import { TASK_LIMITS } from '../../model/task-request.ts'
import type { Blobs } from '../blobs/blobs.ts'

/** Inputs and results of tasks, wherever they are kept. */
export interface Payloads {
  /**
   * The bytes of a payload, once all of them are on this peer. Throws `not_found` when nobody has them any more, `peer_unreachable` when
   * whoever may have them cannot be asked now.
   */
  open(payload: Payload | undefined, options: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>
  /**
   * Keeps bytes so that a minority of the voters may be lost. Throws `too_large`, `limit_reached`, `no_quorum`; if `patient`, only after it was
   * tried for a while.
   */
  keep(bytes: AsyncIterable<Uint8Array>, options: { patient?: boolean; signal: AbortSignal }): Promise<Payload>
  /** Keeps bytes that a later submission names. Throws as `keep`. */
  upload(bytes: AsyncIterable<Uint8Array>, options: { signal: AbortSignal }): Promise<BlobRef>
  /** What was uploaded before, through whatever peer, kept for a submission that comes now. Throws `not_found`, and as `keep`. */
  uploaded(digest: Digest, options: { signal: AbortSignal }): Promise<Payload>
}

/** Payloads of a peer: small ones are in the log, large ones with several peers. Without `blobs`, there are no large ones. */
export function createPayloads(blobs: Blobs | null): Payloads {
  const large = (): Blobs => {
    if (blobs !== null) return blobs
    throw new CaresError('too_large', `a task's input and output have at most ${TASK_LIMITS.inlineBytesMax} bytes`)
  }
  return {
    async open(payload, options) {
      if (payload?.blob !== undefined) return large().open(payload.blob, options)
      return inlineBytes(payload?.inline)
    },
    async keep(bytes, options) {
      const rest = bytes[Symbol.asyncIterator]()
      const first = await readUpTo(TASK_LIMITS.inlineBytesMax, rest)
      if (first.length <= TASK_LIMITS.inlineBytesMax) return { bytes: first.length, inline: first.toString('base64') }
      try {
        const blob = await large().keep(joined(first, rest), options)
        return { bytes: blob.bytes, blob }
      } finally {
        // Where it was read to its end, nothing is left to do.
        await rest.return?.()
      }
    },
    async upload(bytes, options) {
      return large().keep(bytes, options)
    },
    async uploaded(digest, options) {
      const blob = await large().confirm(digest, options)
      return { bytes: blob.bytes, blob }
    }
  }
}

/** More than `bytesMax` bytes, or all that there are. */
async function readUpTo(bytesMax: number, source: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (bytes <= bytesMax) {
    const next = await source.next()
    if (next.done === true) break
    chunks.push(next.value)
    bytes += next.value.length
  }
  return Buffer.concat(chunks)
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* inlineBytes(inline: string | undefined): AsyncGenerator<Uint8Array, void> {
  if (inline !== undefined && inline !== '') yield Buffer.from(inline, 'base64')
}
