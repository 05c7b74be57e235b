import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { CaresError } from '../model/errors.ts'

/** The parts of one snapshot that is on its way here, one row a part, by where each begins. Writes belong into a transaction of the caller. */
export class StagedTable {
  readonly #select: StatementSync
  readonly #insert: StatementSync
  readonly #clear: StatementSync

  constructor(database: DatabaseSync) {
    this.#select = database.prepare('SELECT byte_offset, data, crc32 FROM staged ORDER BY byte_offset')
    this.#insert = database.prepare('INSERT INTO staged (byte_offset, data, crc32) VALUES (?, ?, ?)')
    this.#clear = database.prepare('DELETE FROM staged')
  }

  /** The parts in order. Throws `protocol` for a gap, and for a part that is not what was written: half of one, or a flipped bit. */
  read(): Uint8Array {
    const parts: Uint8Array[] = []
    let received = 0
    for (const { byte_offset: offset, data, crc32: sum } of this.#select.iterate()) {
      if (offset !== received) throw new CaresError('protocol', `the part of the snapshot from byte ${received} on is missing`)
      if (!(data instanceof Uint8Array) || sum !== checksum(received, data))
        throw new CaresError('protocol', `the part of the snapshot from byte ${received} on is damaged`)
      parts.push(data)
      received += data.length
    }
    return Buffer.concat(parts, received)
  }

  append(offset: number, data: Uint8Array): void {
    this.#insert.run(offset, data, checksum(offset, data))
  }

  clear(): void {
    this.#clear.run()
  }
}

function checksum(offset: number, data: Uint8Array): number {
  return crc32(data, crc32(`${offset}\0`))
}
