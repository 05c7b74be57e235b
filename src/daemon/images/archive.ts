import { CaresError } from '../../model/errors.ts'
import type { ArchiveId } from '../../model/ids.ts'
import type { SpoolFile } from '../../model/ports/spool.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/**
 * Written to the spool, and read from it, at once: handing work to the disk costs as much as sending 100 KB, and who passes an image on waits
 * for no more than this.
 */
const BLOCK_BYTES = 262_144

/** What was written last is kept at hand for who reads close behind: as much as may be on its way to a peer, a tenth of the work of each side. */
const RECENT_BYTES_MAX = 4_194_304

/** The archive of an image that is coming in, or has come: one writes, many read, none of them before it is there. */
export class Archive {
  readonly #file: SpoolFile
  #id: ArchiveId | undefined
  #bytes = 0
  readonly #unwritten: Uint8Array[] = []
  #unwrittenBytes = 0
  /** The end of what is in the file, in pieces, each with its offset. */
  readonly #recent: { readonly offset: number; readonly chunk: Uint8Array }[] = []
  #isComplete = false
  #failure: CaresError | undefined
  #changed = Promise.withResolvers<void>()
  #readers = 0
  #dropped = false

  constructor(file: SpoolFile, id?: ArchiveId) {
    this.#file = file
    this.#id = id
  }

  /** Its name; known before its first byte is. */
  get id(): ArchiveId | undefined {
    return this.#id
  }

  /** Says which archive it is, or throws `protocol` when bytes of another one are here. */
  name(id: ArchiveId): void {
    if (this.#id !== undefined && this.#id !== id) throw new CaresError('protocol', 'a peer sent another archive than it was asked for')
    this.#id = id
  }

  /** How much of it is here. */
  get bytes(): number {
    return this.#bytes
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** What its source ended with; nothing more will come. */
  get failure(): CaresError | undefined {
    return this.#failure
  }

  /** Throws what the archive was failed with: nobody wants the rest. */
  async append(chunk: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#unwritten.push(chunk)
    this.#unwrittenBytes += chunk.length
    if (this.#unwrittenBytes >= BLOCK_BYTES) await this.flush()
  }

  /** Lets readers have everything that was appended. */
  async flush(): Promise<void> {
    const parts = this.#unwritten.splice(0)
    this.#unwrittenBytes = 0
    await this.#file.append(parts)
    for (const chunk of parts) {
      if (chunk.length === 0) continue
      this.#recent.push({ offset: this.#bytes, chunk })
      this.#bytes += chunk.length
    }
    while (this.#bytes - (this.#recent[0]?.offset ?? 0) > RECENT_BYTES_MAX) this.#recent.shift()
    this.#tell()
  }

  /** All of it is here. */
  async finish(): Promise<void> {
    await this.flush()
    this.#isComplete = true
    if (this.#readers === 0) this.#recent.length = 0
    this.#tell()
  }

  /** The rest will not come: readers throw this once they have read what is here. */
  fail(error: CaresError): void {
    if (this.#isComplete || this.#failure !== undefined) return
    this.#failure = error
    this.#tell()
  }

  /** Resolves when there is more than `offset` bytes of it, or when nothing more will come. */
  async beyond(offset: number, { signal }: { signal: AbortSignal }): Promise<void> {
    while (this.#bytes <= offset && !this.#isComplete && this.#failure === undefined) await untilAborted(this.#changed.promise, signal)
  }

  /** Its bytes from `offset` on, waiting for those that are still to come. Throws what the source failed with. */
  async *read(offset: number, { signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array, void> {
    if (this.#dropped) throw new CaresError('image_not_found', 'the archive is not kept any more', { retryable: true })
    this.#readers++
    try {
      for (let at = offset; ; ) {
        await this.beyond(at, { signal })
        if (at >= this.#bytes) {
          if (this.#failure !== undefined) throw this.#failure
          return
        }
        const chunk = this.#recentFrom(at) ?? (await this.#file.read(at, BLOCK_BYTES))
        at += chunk.length
        yield chunk
      }
    } finally {
      this.#readers--
      if (this.#isComplete && this.#readers === 0) this.#recent.length = 0
      if (this.#dropped && this.#readers === 0) await this.#file.remove()
    }
  }

  /** Gives up its room, once nobody reads it any more. */
  async drop(): Promise<void> {
    if (this.#dropped) return
    this.fail(new CaresError('cancelled', 'the archive is not wanted any more'))
    this.#dropped = true
    if (this.#readers === 0) await this.#file.remove()
  }

  /** What is at hand from `offset` on, up to the end of its piece. */
  #recentFrom(offset: number): Uint8Array | undefined {
    const piece = this.#recent.find(({ offset: start, chunk }) => start + chunk.length > offset)
    return piece === undefined || piece.offset > offset ? undefined : piece.chunk.subarray(offset - piece.offset)
  }

  #tell(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
