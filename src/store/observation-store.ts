import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CaresError } from '../model/errors.ts'
import type { SharedObservation } from '../model/observation.ts'
import type { ObservationStore } from '../model/ports/observation-store.ts'
import { transaction } from './database.ts'
import { diskError } from './disk-error.ts'

/** In the data directory of the peer. */
const FILE = 'learned.db'

/**
 * Sixteen thousand observations take some 8 MB; far beyond that something is wrong, and SQLite refuses. In pages of 4,096 bytes: 64 MB.
 */
const PAGES_MAX = 16_384

/** Another layout starts anew: what was learned is learned again sooner than it could be converted. */
const LAYOUT = 1

/**
 * Observations in an SQLite database of their own (`learned.db`). A crash may lose the last seconds of it, and a file that cannot be read is
 * replaced by an empty one.
 */
export class SqliteObservationStore implements ObservationStore {
  readonly #path: string
  #database: DatabaseSync | null = null

  constructor({ dataDir }: { dataDir: string }) {
    this.#path = join(dataDir, FILE)
  }

  async start(): Promise<void> {
    this.#database ??= this.#openOrReplace()
  }

  async stop(): Promise<void> {
    this.#database?.close()
    this.#database = null
  }

  async load(): Promise<readonly SharedObservation[]> {
    const rows = this.#opened.prepare('SELECT value FROM observations ORDER BY rowid').all()
    return rows.flatMap(({ value }) => {
      try {
        return [JSON.parse(String(value)) as SharedObservation]
      } catch {
        return [] // A row that a failing disk has damaged teaches nothing; all others still do.
      }
    })
  }

  async write(added: readonly SharedObservation[], dropped: readonly SharedObservation[]): Promise<void> {
    const database = this.#opened
    try {
      const insert = database.prepare('INSERT OR REPLACE INTO observations (origin, seq, value) VALUES (?, ?, ?)')
      const remove = database.prepare('DELETE FROM observations WHERE origin = ? AND seq = ?')
      transaction(database, () => {
        for (const each of added) insert.run(each.origin, each.seq, JSON.stringify(each))
        for (const { origin, seq } of dropped) remove.run(origin, seq)
      })
    } catch (error) {
      throw diskError('write observations', error)
    }
  }

  get #opened(): DatabaseSync {
    if (this.#database === null) throw new CaresError('stopping', 'the observations are not open')
    return this.#database
  }

  #openOrReplace(): DatabaseSync {
    try {
      return open(this.#path)
    } catch {
      // It holds nothing that the cluster cannot learn again.
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#path}${suffix}`, { force: true })
      try {
        return open(this.#path)
      } catch (error) {
        throw diskError(`open ${this.#path}`, error)
      }
    }
  }
}

function open(path: string): DatabaseSync {
  // Mode 0600: the parameters of calls may be confidential.
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path)
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA max_page_count = ${PAGES_MAX};`)
    const layout = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
    if (layout !== LAYOUT) {
      database.exec(`
        DROP TABLE IF EXISTS observations;
        CREATE TABLE observations (origin TEXT NOT NULL, seq INTEGER NOT NULL, value TEXT NOT NULL, UNIQUE (origin, seq)) STRICT;
        PRAGMA user_version = ${LAYOUT};
      `)
    }
    if (database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] !== 'ok') throw new CaresError('internal', `${path} is damaged`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
