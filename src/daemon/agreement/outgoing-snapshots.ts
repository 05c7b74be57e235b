import { crc32 } from 'node:zlib'
import type { SnapshotPosition } from '../../core/consensus/effects.ts'
import type { SnapshotChunk, SnapshotMeta } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { Store } from '../../model/ports/store.ts'

interface Taken {
  readonly snapshot: SnapshotMeta
  readonly data: Uint8Array
  readonly checksum: number
}

/**
 * The snapshot that a leader sends to peers which lack what its log no longer has, chunk by chunk. One is kept for all of them, for as long as
 * the log goes on behind it: whoever is in the middle of it can finish, and memory holds no second one.
 */
export class OutgoingSnapshots {
  readonly #chunkBytes: number
  readonly #store: Pick<Store, 'snapshot'>
  #taken: Taken | null = null

  constructor(chunkBytes: number, store: Pick<Store, 'snapshot'>) {
    this.#chunkBytes = chunkBytes
    this.#store = store
  }

  /**
   * The chunk at `at`, or the first one if that is of a snapshot that is not kept. `logStart`: the index up to which the log is cut, so that a
   * snapshot before it is of no use. `describe`: what the log says of an index.
   */
  async chunk(
    at: SnapshotPosition | null,
    { logStart, describe }: { logStart: number; describe: (index: number) => SnapshotMeta | undefined }
  ): Promise<SnapshotChunk> {
    if (this.#taken === null || this.#taken.snapshot.index < logStart) this.#taken = await this.#take(describe)
    const { snapshot, data: all, checksum } = this.#taken
    const offset = at?.index === snapshot.index && at.offset < all.length ? at.offset : 0
    const data = all.subarray(offset, offset + this.#chunkBytes)
    return { snapshot, bytes: all.length, checksum, offset, data, dataChecksum: crc32(data) }
  }

  /** Nobody needs it for now. */
  forget(): void {
    this.#taken = null
  }

  async #take(describe: (index: number) => SnapshotMeta | undefined): Promise<Taken> {
    const { index, data, checksum } = await this.#store.snapshot()
    const snapshot = describe(index)
    if (snapshot === undefined) throw new CaresError('internal', `the tables are at ${index}, where the log is not known any more`)
    return { snapshot, data, checksum }
  }
}

/** Whether a chunk is as it was sent. What was damaged on its way is dropped, and sent again. */
export function isIntact({ data, dataChecksum }: SnapshotChunk): boolean {
  return crc32(data) === dataChecksum
}
