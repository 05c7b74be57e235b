import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import { engineMessage, statusOf } from './docker-errors.ts'
import { untilAborted } from '../model/until-aborted.ts'

/** Characters of the content address in the name that an image from a peer gets. */
const TAG_CHARS = 12

/** The archive that `docker save` makes of an image. Throws `image_not_found` when it is not here. */
export async function exportImage(engine: Docker, digest: Digest, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>> {
  try {
    await untilAborted(engine.getImage(digest).inspect(), signal)
    return (await engine.getImage(digest).get()) as Readable
  } catch (cause) {
    if (statusOf(cause) === 404) throw new CaresError('image_not_found', `no image ${digest} on this machine`, { cause })
    throw cause
  }
}

/**
 * Loads an archive and names the image in it, so that a clean-up of unnamed images does not take it. The engine computes the content address
 * itself: throws `image_not_found` when the wanted one is not there afterwards.
 */
export async function importImage(
  engine: Docker,
  fn: Pick<FunctionRecord, 'name' | 'digest'>,
  archive: AsyncIterable<Uint8Array>,
  { signal }: { signal: AbortSignal }
): Promise<void> {
  const input = Readable.from(archive, { objectMode: false })
  try {
    const progress = await engine.loadImage(input, { quiet: true, abortSignal: signal })
    await pipeline(progress, discard, { signal })
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw new CaresError('image_not_found', `the image of ${fn.name} could not be loaded: ${engineMessage(cause).slice(0, 500)}`, { cause })
  } finally {
    input.destroy()
  }
  const image = engine.getImage(fn.digest)
  try {
    await untilAborted(image.inspect(), signal)
  } catch (cause) {
    throw new CaresError('image_not_found', `what a peer sent as the image of ${fn.name} is another image`, { cause })
  }
  const tag = fn.digest.slice(fn.digest.indexOf(':') + 1).slice(0, TAG_CHARS)
  await image.tag({ repo: `cares/${fn.name}`, tag })
}

/** What the engine says while it loads; its last word shows in what is there afterwards. */
async function discard(progress: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of progress) continue
}
