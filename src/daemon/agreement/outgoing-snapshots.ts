import { crc32 } from 'node:zlib'
import type { SnapshotPosition } from '../../core/consensus/effects.ts'
import type { SnapshotChunk, SnapshotMeta } from '../../model/consensus.ts'
import { CaresError, toCaresError } from '../../model/errors.ts'
import type { PeerId } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { Store } from '../../model/ports/store.ts'
import type { SnapshotHealth } from './snapshot-health.ts'

/** Pause after a snapshot could not be made, since each try is work; the tables have changed by then. */
const AGAIN_MS = 10_000

export interface OutgoingSnapshotsComponents {
  readonly store: Pick<Store, 'snapshot'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly log: Logger
  readonly snapshotHealth?: Pick<SnapshotHealth, 'note'> | undefined
  /** The disk failed. Other failures are only logged: a leader that cannot make a snapshot can still lead peers that need none. */
  readonly onDiskFailed: (error: CaresError) => void
}

interface Taken {
  readonly snapshot: SnapshotMeta
  readonly data: Uint8Array
  readonly checksum: number
}

/** One peer's wish for a chunk. */
export interface ChunkWish {
  readonly to: PeerId
  /** Where in which snapshot; null for the start of any. */
  readonly at: SnapshotPosition | null
  readonly deliver: (chunk: SnapshotChunk) => void
}

/**
 * The snapshot that a leader sends to peers which lack what its log no longer has, chunk by chunk. One is kept for all of them, for as long as
 * the log goes on behind it: whoever is in the middle of it can finish, and memory holds no second one.
 *
 * Making one takes seconds where there is much in it. Nothing waits for that but those who asked: a leader that is silent meanwhile would be one no more.
 */
export class OutgoingSnapshots {
  readonly #chunkBytes: number
  readonly #components: OutgoingSnapshotsComponents
  #taken: Taken | null = null
  #isTaking = false
  #againMs = Number.NEGATIVE_INFINITY
  /** The newest wish of each peer that waits for the snapshot that is being made. */
  readonly #wishes = new Map<PeerId, ChunkWish>()

  constructor(chunkBytes: number, components: OutgoingSnapshotsComponents) {
    this.#chunkBytes = chunkBytes
    this.#components = components
  }

  /**
   * Delivers the chunk that is wished for, or the first one if that is of a snapshot that is not kept: at once, or when the snapshot is made. `logStart`:
   * the index up to which the log is cut, so that a snapshot before it is of no use. `describe`: what the log says of what the tables hold now.
   */
  chunk(wish: ChunkWish, { logStart, describe }: { logStart: number; describe: () => SnapshotMeta | undefined }): void {
    if (this.#taken !== null && this.#taken.snapshot.index >= logStart) return this.#deliver(wish, this.#taken)
    if (this.#components.clock.nowMs() < this.#againMs) return
    this.#wishes.set(wish.to, wish)
    if (this.#isTaking) return
    this.#isTaking = true
    this.#taken = null
    void this.#take(describe())
  }

  /** Nobody needs it for now. */
  forget(): void {
    this.#components.snapshotHealth?.note('make', null)
    this.#taken = null
    this.#wishes.clear()
  }

  async #take(snapshot: SnapshotMeta | undefined): Promise<void> {
    try {
      const { index, data, checksum } = await this.#components.store.snapshot()
      if (snapshot?.index !== index) throw new CaresError('internal', `the tables are at ${index}, where the log is not known any more`)
      const taken = { snapshot, data, checksum }
      this.#components.snapshotHealth?.note('make', null)
      if (this.#wishes.size > 0) this.#taken = taken
      for (const wish of this.#wishes.values()) this.#deliver(wish, taken)
    } catch (err) {
      this.#failed(toCaresError(err))
    } finally {
      this.#isTaking = false
      this.#wishes.clear()
    }
  }

  #failed(error: CaresError): void {
    const { clock, log, snapshotHealth, onDiskFailed } = this.#components
    if (error.details['disk'] !== undefined) return onDiskFailed(error)
    this.#againMs = clock.nowMs() + AGAIN_MS
    if (error.code === 'stopping') return
    snapshotHealth?.note('make', error)
    log.error({ err: error, peers: [...this.#wishes.keys()] }, 'no snapshot can be made: peers that need one wait')
  }

  #deliver({ at, deliver }: ChunkWish, { snapshot, data: all, checksum }: Taken): void {
    const offset = at?.index === snapshot.index && at.offset < all.length ? at.offset : 0
    const data = all.subarray(offset, offset + this.#chunkBytes)
    deliver({ snapshot, bytes: all.length, checksum, offset, data, dataChecksum: crc32(data) })
  }
}

/** Whether a chunk is as it was sent. What was damaged on its way is dropped, and sent again. */
export function isIntact({ data, dataChecksum }: SnapshotChunk): boolean {
  return crc32(data) === dataChecksum
}
