import type { Command } from '../../model/command.ts'
import type { Entry, SnapshotMeta } from '../../model/consensus.ts'
import type { Applied, Persisted, RegistryTables, Store } from '../../model/ports/store.ts'
import { AppliedIndex } from './applied-index.ts'
import type { ConsensusComponents } from './consensus-init.ts'
import { EntryReader } from './entry-reader.ts'
import type { Committed } from './proposals.ts'
import { TableFlush, type TableFlushComponents } from './table-flush.ts'

/** What {@link AppliedTables} needs around it, and what the {@link TableFlush} in it does. */
export type AppliedTablesComponents = Pick<ConsensusComponents, 'codec' | 'versionOf'> &
  TableFlushComponents & { readonly store: Pick<Store, 'apply' | 'restore'> }

/** What the log has amounted to on this peer: the tables, and how far of it is in them. */
export class AppliedTables {
  readonly #store: AppliedTablesComponents['store']
  readonly #reader: EntryReader
  readonly #index: AppliedIndex
  readonly #flush: TableFlush
  #tables: RegistryTables

  constructor({ tables, appliedIndex }: Pick<Persisted, 'tables' | 'appliedIndex'>, components: AppliedTablesComponents) {
    this.#store = components.store
    this.#reader = new EntryReader(components)
    this.#index = new AppliedIndex(appliedIndex)
    this.#flush = new TableFlush(components)
    this.#tables = tables
  }

  get tables(): RegistryTables {
    return this.#tables
  }

  get index(): number {
    return this.#index.value
  }

  /** What a peer must read to read a command. */
  versionOf(command: Command): number {
    return this.#reader.versionOf(command)
  }

  /** Does what committed entries say, and tells what each command among them did. Throws `incompatible` for one that this version does not know in full. */
  apply(entries: readonly Entry[]): readonly (Applied & Committed)[] {
    const { tables, applied } = this.#reader.read(this.#tables, entries)
    const index = entries.at(-1)?.index ?? this.index
    this.#store.apply(applied, tables, index)
    this.#flush.applied(entries.length)
    this.#tables = tables
    this.#index.advance(index)
    return applied
  }

  /** Takes the staged snapshot in their place. */
  async restore(snapshot: SnapshotMeta): Promise<void> {
    this.#tables = await this.#store.restore(snapshot)
    this.#index.advance(snapshot.index)
  }

  /** Resolves once they include the log up to `index`. Rejects with the signal's reason, as a CaresError. */
  async reached(index: number, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#index.reached(index, { signal })
  }

  /** Writes them if it is time. To be called when nothing else is being written. */
  async flushIfDue(): Promise<void> {
    await this.#flush.look()
  }

  /** What is not written is left to the store. */
  stop(): void {
    this.#flush.stop()
  }
}
