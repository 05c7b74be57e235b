import { CaresError } from '../../model/errors.ts'
import { RESULT_BYTES_EACH_MAX } from './invocation-book.ts'

/** The whole body of an asynchronous call. Throws `too_large` for one that its gateway would not keep. */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > RESULT_BYTES_EACH_MAX) {
      throw new CaresError('too_large', `the body of an asynchronous call may have ${RESULT_BYTES_EACH_MAX} bytes`, {
        hint: 'call the function synchronously: that body is streamed'
      })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A body that is all there. */
export async function* once(body: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (body.length > 0) yield body
}
