import { emptyTables } from '../core/registry/tables.ts'
import type { Entry, SnapshotChunk, SnapshotMeta } from '../model/consensus.ts'
import type { PeerAddress } from '../model/control.ts'
import { CaresError } from '../model/errors.ts'
import type { ClusterUid } from '../model/ids.ts'
import type { Applied, Persisted, PersistBatch, RegistryTables, Store } from '../model/ports/store.ts'
import { decodeSnapshot, encodeSnapshot, inOneGo, snapshotChecksum } from '../store/snapshot-data.ts'
import {
  assertStaged,
  emptyHead,
  headAfterApply,
  headAfterCompact,
  headAfterPersist,
  headAfterRestore,
  headAfterStage,
  type StoreHead
} from '../store/store-head.ts'

/** What a disk holds. Its values are immutable, so it can be copied by reference: a copy is the disk as it was. */
interface Contents {
  readonly cluster: ClusterUid | null
  readonly session: number
  readonly head: StoreHead
  readonly entries: readonly Entry[]
  readonly tables: RegistryTables
  /** The parts of the snapshot that `head.staged` tells of. */
  readonly parts: readonly Uint8Array[]
  readonly addresses: readonly PeerAddress[]
}

/** A disk in memory. It outlives the stores that open it, as a real one outlives its processes. */
export class MemoryDisk {
  /** When set, every write fails with this, and changes nothing. */
  failure: CaresError | null = null
  /** The store that has it open. Set to null to kill that store without a word. */
  openedBy: object | null = null
  contents: Contents = emptyContents()
  /** Carries a write out, and resolves when it is durable: at once, unless this is replaced by something slower. */
  commit: (write: () => void) => Promise<void> = async write => write()
}

/** The Store port over a {@link MemoryDisk}. */
export class MemoryStore implements Store {
  readonly #disk: MemoryDisk
  #loaded = false
  /** The tables as they have been applied, while they are not on the disk. */
  #applied: { readonly tables: RegistryTables; readonly appliedIndex: number } | null = null

  constructor(disk: MemoryDisk) {
    this.#disk = disk
  }

  async start(): Promise<void> {
    if (this.#disk.openedBy === this) return
    if (this.#disk.openedBy !== null) throw new CaresError('conflict', 'the disk is in use by another store')
    this.#disk.openedBy = this
    this.#loaded = false
  }

  async stop(): Promise<void> {
    if (this.#disk.openedBy !== this) return
    try {
      if (this.#loaded && this.#disk.failure === null) await this.flush()
    } finally {
      this.#disk.openedBy = null
    }
  }

  async load(): Promise<Persisted> {
    if (this.#loaded) throw new CaresError('internal', 'the store was loaded already')
    await this.#change(({ session }) => ({ session: session + 1 }))
    this.#loaded = true
    const { head, parts: _, ...rest } = this.#disk.contents
    const { hardState, snapshot, appliedIndex, staged } = head
    return {
      ...rest,
      hardState,
      snapshot,
      appliedIndex,
      staged: staged !== null && staged.offer.snapshot.index > appliedIndex ? staged : null
    }
  }

  async setCluster(cluster: ClusterUid): Promise<void> {
    await this.#write(() => ({ cluster }))
  }

  async persist(batch: PersistBatch): Promise<void> {
    await this.#write(({ head: { appliedIndex }, entries }) => {
      const kept = entries.filter(({ index }) => index < (batch.truncateFrom ?? Number.POSITIVE_INFINITY))
      return { head: { ...headAfterPersist(this.#now.head, batch), appliedIndex }, entries: [...kept, ...batch.append] }
    })
  }

  apply(applied: readonly Applied[], tables: RegistryTables, appliedIndex: number): void {
    this.#opened()
    headAfterApply(this.#now.head, applied, appliedIndex)
    this.#applied = { tables, appliedIndex }
  }

  async flush(): Promise<void> {
    if (this.#applied !== null) await this.#write(() => this.#now)
    this.#applied = null
  }

  async snapshot(): Promise<{ index: number; data: Uint8Array; checksum: number }> {
    this.#opened()
    const { head, tables } = this.#now
    const data = inOneGo(encodeSnapshot(head.appliedIndex, tables))
    return { index: head.appliedIndex, data, checksum: snapshotChecksum(data) }
  }

  async stage(chunk: SnapshotChunk): Promise<void> {
    await this.#write(({ head, parts }) => ({
      head: headAfterStage(head, chunk),
      parts: chunk.offset === 0 ? [chunk.data] : [...parts, chunk.data]
    }))
  }

  async restore(snapshot: SnapshotMeta): Promise<RegistryTables> {
    this.#opened()
    const { head } = this.#now
    const { parts } = this.#disk.contents
    const { offer } = assertStaged(head, snapshot)
    const data = Buffer.concat(parts)
    try {
      if (snapshotChecksum(data) !== offer.checksum) throw new CaresError('protocol', 'the parts of the snapshot do not belong together')
      const { index, tables } = inOneGo(decodeSnapshot(data))
      await this.#write(() => ({ head: headAfterRestore(head, snapshot, index), tables, entries: [], parts: [] }))
      this.#applied = null
      return tables
    } catch (error) {
      await this.#write(disk => ({ head: { ...disk.head, staged: null }, parts: [] }))
      throw error
    }
  }

  async compact(snapshot: SnapshotMeta): Promise<void> {
    await this.#write(({ entries }) => ({
      head: headAfterCompact(this.#now.head, snapshot),
      tables: this.#now.tables,
      entries: entries.filter(({ index }) => index > snapshot.index)
    }))
    this.#applied = null
  }

  async setAddresses(addresses: readonly PeerAddress[]): Promise<void> {
    await this.#write(() => ({ addresses }))
  }

  async reset(): Promise<void> {
    await this.#write(({ session }) => ({ ...emptyContents(), session }))
    this.#applied = null
  }

  get #now(): Pick<Contents, 'head' | 'tables'> {
    const { head, tables } = this.#disk.contents
    if (this.#applied === null) return { head, tables }
    return { head: { ...head, appliedIndex: this.#applied.appliedIndex }, tables: this.#applied.tables }
  }

  async #write(change: (contents: Contents) => Partial<Contents>): Promise<void> {
    this.#opened()
    await this.#change(change)
  }

  async #change(change: (contents: Contents) => Partial<Contents>): Promise<void> {
    const disk = this.#disk
    if (disk.openedBy !== this) throw new CaresError('stopping', 'the store is not open')
    await disk.commit(() => {
      if (disk.failure !== null) throw disk.failure
      disk.contents = { ...disk.contents, ...change(disk.contents) }
    })
  }

  #opened(): void {
    if (this.#disk.openedBy !== this) throw new CaresError('stopping', 'the store is not open')
    if (!this.#loaded) throw new CaresError('internal', 'the store is used before it was loaded')
  }
}

function emptyContents(): Contents {
  return { cluster: null, session: 0, head: emptyHead(), entries: [], tables: emptyTables(), parts: [], addresses: [] }
}
