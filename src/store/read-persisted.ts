import { clusterUidSchema, countSchema, hardStateSchema, snapshotMetaSchema, snapshotOfferSchema } from '../model/persisted.ts'
import type { Persisted } from '../model/ports/store.ts'
import { parseWith } from '../model/validation.ts'
import { type AddressTables, readAddresses } from './address-rows.ts'
import { damaged } from './disk-error.ts'
import { type RestoredTables, stagedPart } from './restore-steps.ts'
import { emptyHead } from './store-head.ts'

/** All tables of a peer's database. */
export interface StoreTables extends RestoredTables, AddressTables {}

/**
 * Everything that a peer finds again after a restart, with the number of this start, which is yet to be written down. Throws
 * `disk_failed` for what cannot be right, `incompatible` for tables of a newer version.
 */
export function readPersisted(tables: StoreTables): Persisted {
  const { state, log, registry } = tables
  const rows = state.read()
  const empty = emptyHead()
  const snapshot = state.valueOf(rows, 'snapshot', value => parseWith(snapshotMetaSchema, value, 'it'), empty.snapshot)
  const appliedIndex = state.valueOf(rows, 'applied_index', value => parseWith(countSchema, value, 'it'), empty.appliedIndex)
  const entries = log.read(snapshot.index + 1)
  const lastIndex = snapshot.index + entries.length
  if (appliedIndex < snapshot.index || appliedIndex > lastIndex)
    throw damaged('the log', `entries up to ${appliedIndex} are applied, but it goes from ${snapshot.index + 1} to ${lastIndex}`)
  const offer = state.valueOf(rows, 'staged', value => parseWith(snapshotOfferSchema, value, 'it'), null)
  return {
    cluster: state.valueOf(rows, 'cluster', value => parseWith(clusterUidSchema, value, 'it'), null),
    session: 1 + state.valueOf(rows, 'session', value => parseWith(countSchema, value, 'it'), 0),
    hardState: state.valueOf(rows, 'hard_state', value => parseWith(hardStateSchema, value, 'it'), empty.hardState),
    snapshot,
    entries,
    tables: registry.read(),
    appliedIndex,
    staged: offer === null || offer.snapshot.index <= appliedIndex ? null : stagedPart(tables.staged, offer),
    addresses: readAddresses(tables)
  }
}
