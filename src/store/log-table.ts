import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Entry } from '../model/consensus.ts'
import { configurationSchema } from '../model/persisted.ts'
import { parseWith } from '../model/validation.ts'
import { damaged } from './disk-error.ts'

/** The replicated log, one row an entry. Commands are opaque bytes here. Writes belong into a transaction of the caller. */
export class LogTable {
  readonly #select: StatementSync
  readonly #insert: StatementSync
  readonly #deleteFrom: StatementSync
  readonly #deleteTo: StatementSync

  constructor(database: DatabaseSync) {
    this.#select = database.prepare('SELECT idx, term, kind, data, crc32 FROM log ORDER BY idx')
    this.#insert = database.prepare('INSERT INTO log (idx, term, kind, data, crc32) VALUES (?, ?, ?, ?, ?)')
    this.#deleteFrom = database.prepare('DELETE FROM log WHERE idx >= ?')
    this.#deleteTo = database.prepare('DELETE FROM log WHERE idx <= ?')
  }

  /** Every entry, from `firstIndex` on. Throws `disk_failed` for a gap, a row that cannot be right, or an entry that should have been cut. */
  read(firstIndex: number): readonly Entry[] {
    const entries: Entry[] = []
    for (const row of this.#select.iterate()) {
      const index = Number(row['idx'])
      const expected = firstIndex + entries.length
      if (index !== expected) throw damaged('the log', `entry ${expected} is missing, the next is ${index}`)
      entries.push(entryOf(index, row))
    }
    return entries
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const data = dataOf(entry)
      this.#insert.run(entry.index, entry.term, entry.kind, data, checksum(entry.index, entry.term, entry.kind, data))
    }
  }

  deleteFrom(index: number): void {
    this.#deleteFrom.run(index)
  }

  deleteTo(index: number): void {
    this.#deleteTo.run(index)
  }
}

function entryOf(index: number, row: Record<string, unknown>): Entry {
  const { term, kind, data } = row
  const what = `log entry ${index}`
  if (typeof term !== 'number' || typeof kind !== 'string' || !(data instanceof Uint8Array))
    throw damaged(what, 'a column has another type')
  if (row['crc32'] !== checksum(index, term, kind, data)) throw damaged(what, 'its checksum does not match')
  switch (kind) {
    case 'noop':
      return { index, term, kind }
    case 'command':
      return { index, term, kind, command: data }
    case 'configuration':
      return { index, term, kind, configuration: configurationOf(what, data) }
    default:
      throw damaged(what, `it is of an unknown kind, ${JSON.stringify(kind)}`)
  }
}

function configurationOf(what: string, data: Uint8Array): Extract<Entry, { kind: 'configuration' }>['configuration'] {
  try {
    return parseWith(configurationSchema, JSON.parse(Buffer.from(data).toString('utf8')), 'its configuration')
  } catch (error) {
    throw damaged(what, error instanceof Error ? error.message : String(error), error)
  }
}

function dataOf(entry: Entry): Uint8Array {
  switch (entry.kind) {
    case 'noop':
      return new Uint8Array()
    case 'command':
      return entry.command
    case 'configuration':
      return Buffer.from(JSON.stringify(entry.configuration))
  }
}

function checksum(index: number, term: number, kind: string, data: Uint8Array): number {
  return crc32(data, crc32(`${index} ${term} ${kind}\0`))
}
