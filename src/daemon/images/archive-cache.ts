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

export interface ArchiveCacheComponents {
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

interface Entry {
  readonly archive: Promise<Archive>
  users: number
  unusedSinceMs: number
}

/** The image archives on this peer: those that come in, those that the engine was asked to write, and for a while those that were. */
export class ArchiveCache {
  readonly #components: ArchiveCacheComponents
  readonly #entries = new Map<Digest, Entry>()

  constructor(components: ArchiveCacheComponents) {
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
    const entry = this.#entries.get(digest) ?? this.#put(digest, this.#export(digest))
    const held = await this.#use(digest, entry)
    if (held.archive.failure === undefined) return held
    held[Symbol.dispose]()
    throw held.archive.failure
  }

  async #use(digest: Digest, entry: Entry): Promise<HeldArchive> {
    entry.users++
    try {
      const archive = await entry.archive
      return { archive, [Symbol.dispose]: () => this.#release(digest, entry) }
    } catch (error) {
      this.#forget(digest, entry)
      throw error
    }
  }

  #put(digest: Digest, archive: Promise<Archive>): Entry {
    const entry: Entry = { archive, users: 0, unusedSinceMs: 0 }
    this.#entries.set(digest, entry)
    return entry
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

  #release(digest: Digest, entry: Entry): void {
    entry.users--
    if (entry.users > 0 || this.#entries.get(digest) !== entry) return
    entry.unusedSinceMs = this.#components.clock.nowMs()
    const unused = [...this.#entries].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => b.unusedSinceMs - a.unusedSinceMs)
    for (const [old, oldEntry] of unused.slice(UNUSED_MAX)) this.#forget(old, oldEntry)
    void this.#forgetLater(digest, entry)
  }

  async #forgetLater(digest: Digest, entry: Entry): Promise<void> {
    const { clock, stopping } = this.#components
    const archive = await entry.archive
    // A failed one is of no use, and must not stand in the way of a new try.
    if (archive.failure === undefined) await clock.sleep(KEPT_MS, { signal: stopping }).catch(() => {}) // Stopping ends the wait; what to do then is below.
    if (entry.users === 0 && clock.nowMs() - entry.unusedSinceMs >= KEPT_MS) this.#forget(digest, entry)
    else if (archive.failure !== undefined || stopping.aborted) this.#forget(digest, entry)
  }

  #forget(digest: Digest, entry = this.#entries.get(digest)): void {
    if (entry === undefined) return
    if (this.#entries.get(digest) === entry) this.#entries.delete(digest)
    void entry.archive.then(async archive => archive.drop()).catch(() => {}) // It was never made, or its room is gone already.
  }
}
