import { emptyTables } from '../core/registry/tables.ts'
import type { SnapshotMeta, StagedSnapshot } from '../model/consensus.ts'
import { CaresError } from '../model/errors.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import type { LogTable } from './log-table.ts'
import type { RegistryRows } from './registry-rows.ts'
import type { RowTable } from './row-table.ts'
import { decodeSnapshot, snapshotChecksum } from './snapshot-data.ts'
import type { StagedTable } from './staged-table.ts'
import { assertStaged, headAfterRestore, type StoreHead } from './store-head.ts'

/** The tables that a snapshot replaces, and the one with its staged parts. */
export interface RestoredTables {
  readonly state: RowTable
  readonly log: LogTable
  readonly registry: RegistryRows
  readonly staged: StagedTable
}

/**
 * Puts the snapshot whose parts are staged in the place of all rows, block by block, within a transaction of the caller. Throws `protocol` or
 * `incompatible` when the parts cannot be read: then the transaction must be undone.
 */
export function* restoreSteps(
  { state, log, registry, staged }: RestoredTables,
  before: StoreHead,
  snapshot: SnapshotMeta
): Generator<undefined, { head: StoreHead; tables: RegistryTables }, void> {
  const { offer } = assertStaged(before, snapshot)
  const data = staged.read()
  if (snapshotChecksum(data) !== offer.checksum) throw new CaresError('protocol', 'the parts of the snapshot do not belong together')
  registry.clear()
  const blocks = decodeSnapshot(data)
  let block = blocks.next()
  for (; block.done !== true; block = blocks.next()) {
    registry.insert(block.value)
    yield
  }
  const { index, tables } = block.value
  const head = headAfterRestore(before, snapshot, index)
  const { functions, tasks } = tables
  registry.replace({ ...emptyTables(), functions, tasks: { ...tasks, seq: 0 } }, tables)
  forgetStaged(state, staged)
  log.deleteFrom(0)
  state.put('snapshot', snapshot)
  state.put('applied_index', index)
  return { head, tables }
}

/** Drops the parts of a snapshot. */
export function forgetStaged(state: RowTable, staged: StagedTable): void {
  state.delete('staged')
  staged.clear()
}

/** The staged parts of `offer`; null when there are none, or any of them is damaged. */
export function stagedPart(table: StagedTable, offer: StagedSnapshot['offer']): StagedSnapshot | null {
  try {
    const received = table.read().length
    return received > 0 && received <= offer.bytes ? { offer, received } : null
  } catch (error) {
    if (error instanceof CaresError) return null
    throw error
  }
}
