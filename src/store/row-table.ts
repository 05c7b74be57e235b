import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Json } from '../model/errors.ts'
import { damaged } from './disk-error.ts'

/** The tables whose rows are a key, a JSON value and a checksum of both. */
export type RowTableName = 'state' | 'functions' | 'removed' | 'draining' | 'addresses' | 'tasks' | 'remembered'

/** One such table. Writes belong into a transaction of the caller. */
export class RowTable {
  readonly #name: RowTableName
  readonly #select: StatementSync
  readonly #upsert: StatementSync
  readonly #delete: StatementSync
  readonly #clear: StatementSync

  constructor(database: DatabaseSync, name: RowTableName) {
    this.#name = name
    this.#select = database.prepare(`SELECT key, value, crc32 FROM ${name} ORDER BY key`)
    this.#upsert = database.prepare(`INSERT OR REPLACE INTO ${name} (key, value, crc32) VALUES (?, ?, ?)`)
    this.#delete = database.prepare(`DELETE FROM ${name} WHERE key = ?`)
    this.#clear = database.prepare(`DELETE FROM ${name}`)
  }

  /** Every row, each checked. Throws `disk_failed` for the first that cannot be right. */
  read(): ReadonlyMap<string, unknown> {
    return this.readAs(value => value)
  }

  /** Every row, each checked, as `parse` understands it. What `parse` throws makes the row a damaged one. One after the other: there may be many. */
  readAs<Value>(parse: (value: unknown, key: string) => Value): ReadonlyMap<string, Value> {
    const rows = new Map<string, Value>()
    for (const row of this.#select.iterate()) {
      const key = String(row['key'])
      const value = String(row['value'])
      if (row['crc32'] !== checksum(key, value)) throw damaged(this.#describe(key), 'its checksum does not match')
      rows.set(
        key,
        this.#parse(key, JSON.parse(value), json => parse(json, key))
      )
    }
    return rows
  }

  /** The value of one of the `rows` that {@link read} gave, or `absent` when it is not among them. */
  valueOf<Value, Absent>(
    rows: ReadonlyMap<string, unknown>,
    key: string,
    parse: (value: unknown) => Value,
    absent: Absent
  ): Value | Absent {
    return rows.has(key) ? this.#parse(key, rows.get(key), parse) : absent
  }

  put(key: string, value: Json | object): void {
    this.putText(key, JSON.stringify(value))
  }

  /** Puts a value that is JSON already. */
  putText(key: string, text: string): void {
    this.#upsert.run(key, text, checksum(key, text))
  }

  delete(key: string): void {
    this.#delete.run(key)
  }

  clear(): void {
    this.#clear.run()
  }

  #parse<Value>(key: string, value: unknown, parse: (value: unknown) => Value): Value {
    try {
      return parse(value)
    } catch (error) {
      throw damaged(this.#describe(key), error instanceof Error ? error.message : String(error), error)
    }
  }

  #describe(key: string): string {
    return `the row ${JSON.stringify(key)} of table ${this.#name}`
  }
}

/** The key cannot hold a NUL (it is a name or an id), so no two rows run together. */
function checksum(key: string, value: string): number {
  return crc32(`${key}\0${value}`)
}
