import { CaresError } from '../../model/errors.ts'
import type { Digest, PeerId } from '../../model/ids.ts'
import type { ImageDown, ImageUp } from '../../model/image-transfer.ts'
import type { Channel } from '../../model/ports/transport.ts'
import { toRemoteError } from '../../model/remote-error.ts'
import { type Archive, BLOCK_BYTES } from './archive.ts'
import type { ArchiveCache } from './archive-cache.ts'

/**
 * Peers that get the same image from here at once. One: it gets all that this peer's link can carry, and passes it on, so that the image goes
 * over every link once. Who had to leave another sender is served beside it.
 */
const SENDING_EACH_MAX = 1
const SENDING_EACH_DIRECT_MAX = 2
/** Images that are sent at once, in all: more share the same link, and the same processor that calls need. */
const SENDING_MAX = 4

type SendChannel = Channel<ImageDown, ImageUp>
type Get = Extract<ImageUp, { type: 'get' }>

/** Sends images to peers that lack them: those of the engine, and those that are on their way to this peer. Serves `/cares/image`. */
export class ImageSender {
  readonly #archives: ArchiveCache
  /** Who is being sent which image. */
  readonly #served = new Map<Digest, Set<PeerId>>()

  constructor(archives: ArchiveCache) {
    this.#archives = archives
  }

  async serve(channel: SendChannel): Promise<void> {
    const request = await channel.receive()
    if (request?.type !== 'get') throw new CaresError('protocol', 'the exchange does not begin with a question')
    try {
      await this.#answer(channel, request)
    } catch (err) {
      if (channel.signal.aborted) return
      await channel.send({ type: 'failed', error: toRemoteError(err, { started: false }) })
    }
  }

  async #answer(channel: SendChannel, request: Get): Promise<void> {
    const { digest, direct } = request
    const served = this.#served.get(digest) ?? new Set<PeerId>()
    if (served.size >= (direct ? SENDING_EACH_DIRECT_MAX : SENDING_EACH_MAX)) {
      await channel.send({ type: 'elsewhere', peers: [...served].filter(peer => peer !== channel.remote) })
      return
    }
    if ([...this.#served.values()].reduce((sum, { size }) => sum + size, 0) >= SENDING_MAX) {
      throw new CaresError('busy', `this peer sends ${SENDING_MAX} images already`, { retryable: true })
    }
    this.#served.set(digest, served.add(channel.remote))
    try {
      using held = await this.#archives.obtain(digest)
      await this.#send(channel, request, held.archive)
    } finally {
      served.delete(channel.remote)
      if (served.size === 0) this.#served.delete(digest)
    }
  }

  async #send(channel: SendChannel, { archive: wanted, offset, bytes }: Get, archive: Archive): Promise<void> {
    const { signal } = channel
    // One who goes on must be behind: two who have lost their sender would otherwise wait for each other.
    if (offset > 0 && offset >= archive.bytes && !archive.isComplete) {
      throw new CaresError('busy', 'this peer has no more of the image than you', { retryable: true })
    }
    await archive.beyond(offset, { signal })
    if (archive.id === undefined || (wanted !== undefined && archive.id !== wanted)) {
      throw archive.failure ?? new CaresError('image_not_found', 'this peer has not that archive of the image', { retryable: true })
    }
    await channel.send({ type: 'head', archive: archive.id })
    let granted = bytes
    for await (const chunk of archive.read(offset, { signal })) {
      for (let at = 0; at < chunk.length; ) {
        while (granted === 0) granted += await moreOf(channel)
        const piece = chunk.subarray(at, at + Math.min(granted, BLOCK_BYTES))
        await channel.send({ type: 'body', chunk: piece })
        at += piece.length
        granted -= piece.length
      }
    }
    await channel.send({ type: 'end' })
  }
}

async function moreOf(channel: SendChannel): Promise<number> {
  const message = await channel.receive()
  if (message?.type !== 'more') throw new CaresError('protocol', 'the exchange goes on without a grant')
  return message.bytes
}
