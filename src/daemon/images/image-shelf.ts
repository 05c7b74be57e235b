import { toCaresError } from '../../model/errors.ts'
import type { Digest } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Runtime } from '../../model/ports/runtime.ts'
import type { Spool } from '../../model/ports/spool.ts'
import { Archive } from './archive.ts'
import { newArchiveId } from '../new-ids.ts'

/** How long an archive that nobody uses is kept: peers that need the same image come within seconds of each other. */
const KEPT_MS = 30_000
/** Unused archives that are kept at once: each takes an image's size of disk. */
const UNUSED_MAX = 2

export interface ImageShelfComponents {
  readonly runtime: Pick<Runtime, 'exportImage'>
  readonly spool: Spool
  readonly clock: Clock
  /** Aborted when the peer stops. */
  readonly stopping: AbortSignal
}

/** An archive in use. */
export interface HeldArchive extends Disposable {
  readonly archive: Archive
}

interface Place {
  readonly archive: Promise<Archive>
  users: number
  unusedSinceMs: number
}

/** The image archives on this peer: those that come in, those that the engine was asked to write, and for a while those that were. */
export class ImageShelf {
  readonly #components: ImageShelfComponents
  readonly #places = new Map<Digest, Place>()

  constructor(components: ImageShelfComponents) {
    this.#components = components
  }

  /** A place for an image that comes in. Whoever asks this peer for the image from now on gets what has come. */
  async receive(digest: Digest): Promise<HeldArchive> {
    this.#forget(digest)
    return this.#use(
      digest,
      this.#put(
        digest,
        this.#components.spool.create().then(file => new Archive(file))
      )
    )
  }

  /** The archive of an image: the one that is here, or coming in, or else one that the engine writes. Throws `image_not_found`. */
  async obtain(digest: Digest): Promise<HeldArchive> {
    const place = this.#places.get(digest) ?? this.#put(digest, this.#export(digest))
    const held = await this.#use(digest, place)
    if (held.archive.failure === undefined) return held
    held[Symbol.dispose]()
    throw held.archive.failure
  }

  async #use(digest: Digest, place: Place): Promise<HeldArchive> {
    place.users++
    try {
      const archive = await place.archive
      return { archive, [Symbol.dispose]: () => this.#release(digest, place) }
    } catch (error) {
      this.#forget(digest, place)
      throw error
    }
  }

  #put(digest: Digest, archive: Promise<Archive>): Place {
    const place: Place = { archive, users: 0, unusedSinceMs: 0 }
    this.#places.set(digest, place)
    return place
  }

  async #export(digest: Digest): Promise<Archive> {
    const { runtime, spool, stopping } = this.#components
    const chunks = await runtime.exportImage(digest, { signal: stopping })
    const archive = new Archive(await spool.create(), newArchiveId())
    const write = async (): Promise<void> => {
      for await (const chunk of chunks) {
        if (archive.failure !== undefined) return
        await archive.append(chunk)
        await archive.wanted()
      }
      await archive.finish()
    }
    // Its readers are told.
    write().catch((cause: unknown) => archive.fail(toCaresError(cause)))
    return archive
  }

  #release(digest: Digest, place: Place): void {
    place.users--
    if (place.users > 0 || this.#places.get(digest) !== place) return
    place.unusedSinceMs = this.#components.clock.nowMs()
    const unused = [...this.#places].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => b.unusedSinceMs - a.unusedSinceMs)
    for (const [old, oldPlace] of unused.slice(UNUSED_MAX)) this.#forget(old, oldPlace)
    void this.#forgetLater(digest, place)
  }

  async #forgetLater(digest: Digest, place: Place): Promise<void> {
    const { clock, stopping } = this.#components
    const archive = await place.archive
    // A failed one is of no use, and must not stand in the way of a new try.
    if (archive.failure === undefined) await clock.sleep(KEPT_MS, { signal: stopping }).catch(() => {}) // Stopping ends the wait; what to do then is below.
    if (place.users === 0 && clock.nowMs() - place.unusedSinceMs >= KEPT_MS) this.#forget(digest, place)
    else if (archive.failure !== undefined || stopping.aborted) this.#forget(digest, place)
  }

  #forget(digest: Digest, place = this.#places.get(digest)): void {
    if (place === undefined) return
    if (this.#places.get(digest) === place) this.#places.delete(digest)
    void place.archive.then(async archive => archive.drop()).catch(() => {}) // It was never made, or its room is gone already.
  }
}
