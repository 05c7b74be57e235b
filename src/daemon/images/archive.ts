import { CaresError, toCaresError } from '../../model/errors.ts'
import type { ArchiveId } from '../../model/ids.ts'
import type { SpoolFile } from '../../model/ports/spool.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/**
 * An archive is handed over in blocks of this size. Large, since handing one to the disk or to a peer costs as much as sending 100 KB. And what is
 * around a block on its way, some 20 bytes, just fits with it into four messages of noise (65,519 bytes each): one byte more would be a fifth.
 */
export const BLOCK_BYTES = 262_000

/**
 * The end of an archive is kept in memory of its own, for who reads close behind and for the disk, which may stand still for a moment. Always the same
 * memory: what lives for some megabytes and is then let go would be no young garbage any more, and take one full collection after the other.
 */
const RING_BYTES = 8 * BLOCK_BYTES

/** How far a source that can wait is ahead of who reads it: then all of it is read from memory, and the file is only for those who come later. */
const AHEAD_BYTES_MAX = RING_BYTES / 2

/** The archive of an image that is coming in, or has come: one writes, many read, none of them before it is there. */
export class Archive {
  readonly #file: SpoolFile
  #id: ArchiveId | undefined
  #bytes = 0
  /** Of the byte at `offset`, at `offset % RING_BYTES`. Gone when all is in the file and nobody reads. */
  #ring: Buffer | undefined
  /** What was appended behind `#bytes`: not a block yet. */
  #filled = 0
  #writtenBytes = 0
  #writing: Promise<void> | undefined
  #isComplete = false
  #failure: CaresError | undefined
  #changed = Promise.withResolvers<void>()
  #readers = 0
  /** Where the reader is that has come furthest. */
  #readBytes = 0
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

  /** Throws what the archive was failed with: nobody wants the rest, or the disk does not take it. */
  async append(chunk: Uint8Array): Promise<void> {
    this.#ring ??= Buffer.allocUnsafeSlow(RING_BYTES)
    for (let at = 0; at < chunk.length; ) {
      while (this.#failure === undefined && this.#unwrittenBytes() === RING_BYTES) await this.#changed.promise
      if (this.#failure !== undefined) throw this.#failure
      const place = (this.#bytes + this.#filled) % RING_BYTES
      const room = Math.min(BLOCK_BYTES - this.#filled, RING_BYTES - place, RING_BYTES - this.#unwrittenBytes())
      const part = chunk.subarray(at, at + room)
      this.#ring.set(part, place)
      this.#filled += part.length
      at += part.length
      if (this.#filled === BLOCK_BYTES) this.flush()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when what was appended last is wanted soon, or never. For a source that can wait. */
  async wanted(): Promise<void> {
    while (this.#bytes - this.#readBytes >= AHEAD_BYTES_MAX && this.#failure === undefined) await this.#changed.promise
  }

  /** Lets readers have everything that was appended. */
  flush(): void {
    if (this.#filled === 0) return
    this.#bytes += this.#filled
    this.#filled = 0
    this.#writing ??= this.#write()
    this.#tell()
  }

  /** All of it is here, and on the disk. */
  async finish(): Promise<void> {
    this.flush()
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
    this.#isComplete = true
    if (this.#readers === 0) this.#ring = undefined
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
        const chunk = this.#atHand(at) ?? (await this.#file.read(at, BLOCK_BYTES))
        at += chunk.length
        yield chunk
        if (at > this.#readBytes) {
          this.#readBytes = at
          this.#tell()
        }
      }
    } finally {
      this.#readers--
      if (this.#isComplete && this.#readers === 0) this.#ring = undefined
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

  /** A copy of what is in memory from `offset` on, up to one block of it. */
  #atHand(offset: number): Uint8Array | undefined {
    if (this.#ring === undefined || offset < this.#bytes + this.#filled - RING_BYTES) return undefined
    const [start, end] = this.#inRing(offset, Math.min(BLOCK_BYTES, this.#bytes - offset))
    return Buffer.from(this.#ring.subarray(start, end))
  }

  /** Where up to `bytes` bytes from `offset` on are, as far as they are in one piece. */
  #inRing(offset: number, bytes: number): [start: number, end: number] {
    const start = offset % RING_BYTES
    return [start, Math.min(start + bytes, RING_BYTES)]
  }

  #unwrittenBytes(): number {
    return this.#bytes + this.#filled - this.#writtenBytes
  }

  /** Brings to the file what is not in it yet, until nothing is left. */
  async #write(): Promise<void> {
    try {
      while (this.#ring !== undefined && this.#writtenBytes < this.#bytes && !this.#dropped) {
        const [start, end] = this.#inRing(this.#writtenBytes, this.#bytes - this.#writtenBytes)
        await this.#file.append([this.#ring.subarray(start, end)])
        this.#writtenBytes += end - start
        this.#tell()
      }
    } catch (error) {
      this.fail(toCaresError(error))
    } finally {
      this.#writing = undefined
    }
  }

  #tell(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
