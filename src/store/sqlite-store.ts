import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { emptyTables } from '../core/registry/tables.ts'
import type { SnapshotChunk, SnapshotMeta } from '../model/consensus.ts'
import type { PeerAddress } from '../model/control.ts'
import { CaresError } from '../model/errors.ts'
import type { ClusterUid } from '../model/ids.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { Applied, Persisted, PersistBatch, RegistryTables, Store } from '../model/ports/store.ts'
import { writeAddresses } from './address-rows.ts'
import { BALLAST_BYTES, dropBallast, keepBallast } from './ballast.ts'
import { removeClusterMark, writeClusterMark } from './cluster-mark.ts'
import { nextTurn, openDatabase, transaction, transactionInSteps } from './database.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { damaged, diskError } from './disk-error.ts'
import { LogTable } from './log-table.ts'
import { makePrivateDirectory } from './private-file.ts'
import { readPersisted, type StoreTables } from './read-persisted.ts'
import { RegistryRows } from './registry-rows.ts'
import { RowTable } from './row-table.ts'
import { forgetStaged, restoreSteps } from './restore-steps.ts'
import { encodeSnapshot, snapshotChecksum } from './snapshot-data.ts'
import { StagedTable } from './staged-table.ts'
import { emptyHead, headAfterApply, headAfterCompact, headAfterPersist, headAfterStage, type StoreHead } from './store-head.ts'

export interface SqliteStoreInit {
  /** The peer's directory. Made, for its owner only, when it is not there. */
  dataDir: string
  /**
   * Largest the database may grow, in bytes; over it, writing fails as on a full disk. The log is cut long before: this keeps a peer whose
   * log is not cut from filling a machine that does other work. @default 4 GiB
   */
  databaseBytesMax?: number
  /** Hears that there is little room on the disk. @default nobody does */
  log?: Logger
}

const DATABASE_BYTES_MAX = 4 * 2 ** 30

/** What a store knows of what it holds. */
interface Known {
  readonly head: StoreHead
  readonly tables: RegistryTables
  /** What the rows hold: the tables of a moment ago, until they are flushed. */
  readonly written: { readonly tables: RegistryTables; readonly appliedIndex: number }
}

/** What a transaction writes; it gives what is different when that is on the disk. */
type Work = (open: Open) => Partial<Known> | void

/** What exists between start and stop. */
interface Open extends StoreTables {
  readonly lock: DirectoryLock
  readonly database: DatabaseSync
  /** The file that is open; another one at its path, or none, is not the one that is written to. */
  readonly file: { readonly dev: number; readonly ino: number }
}

/**
 * The Store port over one SQLite database (`cares.db`: write-ahead log, an fsync with every commit) in a locked data directory.
 *
 * Everything is synchronous below: one commit takes about as long as the disk's fsync, and a peer must not act before it anyway. After a
 * write has failed, every later one fails with the same error: what an fsync that has failed once left on the disk is not known any more.
 */
export class SqliteStore implements Store {
  readonly #dataDir: string
  readonly #databaseBytesMax: number
  readonly #log: Logger | undefined
  #open: Open | null = null
  #loaded = false
  #failure: CaresError | null = null
  #known: Known = knownOf(emptyHead(), emptyTables())
  /** While a snapshot is restored: its transaction is open, and nothing else may write. */
  #restoring: Promise<void> | null = null

  constructor({ dataDir, databaseBytesMax = DATABASE_BYTES_MAX, log }: SqliteStoreInit) {
    this.#dataDir = dataDir
    this.#log = log
    this.#databaseBytesMax = databaseBytesMax
  }

  /** Locks the directory and opens the database. Throws `conflict` when anyone has it open, `incompatible` when a newer version wrote it. */
  async start(): Promise<void> {
    if (this.#open !== null) return
    makePrivateDirectory(this.#dataDir)
    const lock = lockDirectory(this.#dataDir)
    let database: DatabaseSync | undefined
    try {
      database = openDatabase(this.#path, { bytesMax: this.#databaseBytesMax })
      if (!keepBallast(this.#dataDir)) {
        this.#log?.warn(
          { dataDir: this.#dataDir, bytes: BALLAST_BYTES },
          'the disk is almost full: nothing is kept back for when it is; free some space'
        )
      }
      this.#open = {
        lock,
        database,
        state: new RowTable(database, 'state'),
        addresses: new RowTable(database, 'addresses'),
        log: new LogTable(database),
        registry: new RegistryRows(database),
        staged: new StagedTable(database),
        file: statSync(this.#path)
      }
    } catch (error) {
      database?.close()
      lock.release()
      throw diskError('open the database', error)
    }
    this.#loaded = false
    this.#failure = null
  }

  async stop(): Promise<void> {
    if (this.#restoring !== null) await this.#restoring
    if (this.#open === null) return
    const { database, lock } = this.#open
    try {
      if (this.#loaded && this.#failure === null) await this.flush()
    } finally {
      this.#close(database, lock)
    }
  }

  #close(database: DatabaseSync, lock: DirectoryLock): void {
    this.#open = null
    try {
      database.close()
    } catch (error) {
      throw diskError('close the database', error)
    } finally {
      lock.release()
    }
  }

  async load(): Promise<Persisted> {
    if (this.#loaded) throw new CaresError('internal', 'the store was loaded already')
    return this.#guarded('read the data directory', open => {
      const persisted = readPersisted(open)
      const { hardState, snapshot, entries, tables, appliedIndex, staged } = persisted
      transaction(open.database, () => {
        open.state.put('session', persisted.session)
        if (staged === null) forgetStaged(open.state, open.staged)
      })
      this.#known = knownOf({ hardState, snapshot, lastIndex: snapshot.index + entries.length, appliedIndex, staged }, tables)
      this.#loaded = true
      if (persisted.cluster !== null) writeClusterMark(this.#dataDir, persisted.cluster)
      return persisted
    })
  }

  async setCluster(cluster: ClusterUid): Promise<void> {
    await this.#write('write the cluster', ({ state }) => state.put('cluster', cluster))
    this.#guarded('mark the data directory', () => writeClusterMark(this.#dataDir, cluster))
  }

  async persist(batch: PersistBatch): Promise<void> {
    await this.#write('write the log', ({ state, log }) => {
      const head = headAfterPersist(this.#known.head, batch)
      if (batch.hardState !== undefined) state.put('hard_state', batch.hardState)
      if (batch.truncateFrom !== undefined) log.deleteFrom(batch.truncateFrom)
      log.append(batch.append)
      return { head }
    })
  }

  apply(applied: readonly Applied[], tables: RegistryTables, appliedIndex: number): void {
    this.#opened()
    this.#known = { ...this.#known, head: headAfterApply(this.#known.head, applied, appliedIndex), tables }
  }

  async flush(): Promise<void> {
    const { head, tables, written } = this.#known
    if (tables === written.tables && head.appliedIndex === written.appliedIndex) return
    await this.#write('write the tables', open => ({ written: this.#writeTables(open) }))
  }

  async snapshot(): Promise<{ index: number; data: Uint8Array; checksum: number }> {
    this.#opened()
    const index = this.#known.head.appliedIndex
    // Tables are never changed in place, so what is agreed on meanwhile does not disturb.
    const steps = encodeSnapshot(index, this.#known.tables)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return { index, data: step.value, checksum: snapshotChecksum(step.value) }
      await nextTurn()
    }
  }

  async stage(chunk: SnapshotChunk): Promise<void> {
    await this.#write('write a part of a snapshot', ({ state, staged }) => {
      const head = headAfterStage(this.#known.head, chunk)
      if (chunk.offset === 0) {
        staged.clear()
        state.put('staged', { snapshot: chunk.snapshot, bytes: chunk.bytes, checksum: chunk.checksum })
      }
      staged.append(chunk.offset, chunk.data)
      return { head }
    })
  }

  /** In one transaction, but not in one go: between two blocks the process does other things, and what else is to be written waits. */
  async restore(snapshot: SnapshotMeta): Promise<RegistryTables> {
    this.#opened()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#restoring = promise
    try {
      const open = this.#guarded('write a snapshot', open => open)
      this.#assertStillThere(open)
      const { head, tables } = await transactionInSteps(open.database, restoreSteps(open, this.#known.head, snapshot))
      this.#known = knownOf(head, tables)
      return tables
    } catch (err) {
      const error = this.#failed('write a snapshot', err)
      // Parts that cannot be read are forgotten: the leader will send others.
      if (error.code === 'protocol' || error.code === 'incompatible') {
        this.#commit('forget a snapshot', ({ state, staged }) => {
          forgetStaged(state, staged)
          return { head: { ...this.#known.head, staged: null } }
        })
      }
      throw error
    } finally {
      this.#restoring = null
      resolve()
    }
  }

  async compact(snapshot: SnapshotMeta): Promise<void> {
    await this.#write('cut the log', open => {
      const { state, log } = open
      const head = headAfterCompact(this.#known.head, snapshot)
      const written = this.#writeTables(open)
      log.deleteTo(snapshot.index)
      state.put('snapshot', snapshot)
      return { head, written }
    })
  }

  async setAddresses(addresses: readonly PeerAddress[]): Promise<void> {
    await this.#write('write the addresses', open => writeAddresses(open, addresses))
  }

  async reset(): Promise<void> {
    // Before the database forgets it: a peer that dies in between is of the cluster still, and marks its directory again.
    this.#guarded('forget the cluster', () => removeClusterMark(this.#dataDir))
    await this.#write('forget the cluster', ({ state, addresses, log, registry, staged }) => {
      forgetStaged(state, staged)
      for (const key of ['cluster', 'hard_state', 'snapshot', 'applied_index', 'names', 'lives']) state.delete(key)
      addresses.clear()
      registry.clear()
      log.deleteFrom(0)
      return knownOf(emptyHead(), emptyTables())
    })
  }

  async #write(doing: string, work: Work): Promise<void> {
    if (this.#restoring !== null) await this.#restoring
    this.#commit(doing, work)
  }

  /** Runs `work` in a transaction; what it returns becomes true once that is on the disk. */
  #commit(doing: string, work: Work): void {
    this.#guarded(doing, open => {
      this.#opened()
      this.#assertStillThere(open)
      this.#known = { ...this.#known, ...transaction(open.database, () => work(open)) }
    })
  }

  #writeTables({ state, registry }: Open): Known['written'] {
    const { head, tables, written } = this.#known
    registry.replace(written.tables, tables)
    state.put('applied_index', head.appliedIndex)
    return { tables, appliedIndex: head.appliedIndex }
  }

  get #path(): string {
    return join(this.#dataDir, 'cares.db')
  }

  /** SQLite goes on writing to a file that was deleted, and what it writes is gone with the process. */
  #assertStillThere({ file }: Open): void {
    const now = statSync(this.#path, { throwIfNoEntry: false })
    if (now?.ino === file.ino && now.dev === file.dev) return
    const error = damaged(this.#path, 'it was deleted, or another file is in its place')
    this.#failure = error
    throw error
  }

  #guarded<Result>(doing: string, work: (open: Open) => Result): Result {
    if (this.#open === null) throw new CaresError('stopping', `cannot ${doing}: the store is not open`)
    if (this.#failure !== null) throw this.#failure
    try {
      return work(this.#open)
    } catch (error) {
      throw this.#failed(doing, error)
    }
  }

  /** A CaresError was thrown here, before anything was written; anything else came from the disk, and stays. */
  #failed(doing: string, error: unknown): CaresError {
    const failure = diskError(doing, error)
    if (failure !== error) this.#failure = failure
    if (failure.details['disk'] === 'full') dropBallast(this.#dataDir)
    return failure
  }

  #opened(): void {
    if (this.#open === null) throw new CaresError('stopping', 'the store is not open')
    if (!this.#loaded) throw new CaresError('internal', 'the store is used before it was loaded')
  }
}

/** With nothing to flush. */
function knownOf(head: StoreHead, tables: RegistryTables): Known {
  return { head, tables, written: { tables, appliedIndex: head.appliedIndex } }
}
