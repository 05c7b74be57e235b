import type { IncomingMessage } from 'node:http'
import { CaresError } from '../model/errors.ts'
import { formatBytes } from '../model/units.ts'

/**
 * The bytes of a request as they arrive, never gathered. Throws `too_large` beyond `bytesMax`, and `cancelled` when the client goes away
 * in between; ending it early leaves the connection open, so that an answer can still be sent.
 *
 * @param onStart - called before the first byte is awaited
 */
export async function* requestBody(
  request: IncomingMessage,
  { bytesMax, tooLargeHint, onStart }: { bytesMax: number; tooLargeHint: string; onStart: () => void }
): AsyncGenerator<Uint8Array, void, undefined> {
  onStart()
  let bytes = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw bodyTooLarge(bytesMax, tooLargeHint)
      yield chunk
    }
  } catch (cause) {
    if (cause instanceof CaresError) throw cause
    throw new CaresError('cancelled', 'the client went away before its request had ended', { cause })
  }
}

/** The error for a body that is larger than allowed. */
export function bodyTooLarge(bytesMax: number, hint: string): CaresError {
  return new CaresError('too_large', `the request body is larger than ${formatBytes(bytesMax)}`, {
    hint,
    details: { bodyBytesMax: bytesMax }
  })
}
