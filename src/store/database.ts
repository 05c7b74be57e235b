import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { CaresError } from '../model/errors.ts'
import { damaged, diskError } from './disk-error.ts'
import { moveTasks } from './move-tasks.ts'
import { checkWriteAheadLog } from './write-ahead-log.ts'

/** SQLite's default, made explicit because the size limit is given in pages. */
const PAGE_BYTES = 4_096

/** The write-ahead log is cut back to this after a checkpoint, so that one large restore does not keep its space for ever. */
const WAL_BYTES_KEPT = 16 * 2 ** 20

/**
 * What each version of the schema adds to the one before; the first makes a new database. `migrate` brings an older one up.
 *
 * Tables of checked rows (see `RowTable`), the log, the tasks, and the parts of a snapshot that is on its way here. Every row carries a CRC-32 of all its
 * fields: SQLite itself notices a broken page structure, but not a flipped bit inside a value.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE log (idx INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL, crc32 INTEGER NOT NULL) STRICT;
  CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE functions (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE removed (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE draining (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE addresses (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  'CREATE TABLE staged (byte_offset INTEGER PRIMARY KEY, data BLOB NOT NULL, crc32 INTEGER NOT NULL) STRICT;',
  'CREATE TABLE tasks (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;',
  'CREATE TABLE remembered (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT, WITHOUT ROWID;',
  'CREATE TABLE task_records (seq INTEGER PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL) STRICT;'
]

/** From this one on, tasks are in `task_records` instead of `tasks`. */
const FORMAT_TASK_RECORDS = 5

/** The format that this version writes, and the newest that it reads. */
export const FORMAT = MIGRATIONS.length

/**
 * Opens the database of a peer, makes its tables if it is new, and checks its structure if it is not. Every commit is an fsync. Throws
 * `disk_failed`, and `incompatible` for a database of a newer version.
 */
export function openDatabase(path: string, { bytesMax }: { bytesMax: number }): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    // Functions' environments may hold secrets. SQLite gives its side files the mode of the database.
    closeSync(openSync(path, 'a', 0o600))
    checkWriteAheadLog(`${path}-wal`)
    database = new DatabaseSync(path)
    database.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};
      PRAGMA max_page_count = ${Math.floor(bytesMax / PAGE_BYTES)};
    `)
    migrate(database, path)
    const check = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
    if (check !== 'ok') throw damaged(path, String(check))
    return database
  } catch (error) {
    database?.close()
    throw diskError(`open ${path}`, error)
  }
}

/** Runs `work` in one transaction: all of it is on the disk when this returns, or nothing of it when it throws. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    undo(database)
    throw error
  }
}

/** The same in steps, with a turn for other work of the process after each. Nothing else may write to the database until this has resolved. */
export async function transactionInSteps<Result>(database: DatabaseSync, steps: Generator<unknown, Result, void>): Promise<Result> {
  database.exec('BEGIN IMMEDIATE')
  try {
    for (;;) {
      const step = steps.next()
      if (step.done === true) {
        database.exec('COMMIT')
        return step.value
      }
      await nextTurn()
    }
  } catch (error) {
    undo(database)
    throw error
  }
}

/** Resolves after other work that is due has had its turn (`setImmediate`). */
export async function nextTurn(): Promise<void> {
  await new Promise<void>(resolve => setImmediate(resolve))
}

function undo(database: DatabaseSync): void {
  // On some failures SQLite has rolled back by itself.
  if (database.isTransaction) database.exec('ROLLBACK')
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > FORMAT) {
    throw new CaresError('incompatible', `${path} was written by a newer version of CARES (format ${version}, this one reads ${FORMAT})`, {
      hint: 'start the peer with the newer version, or give this one a directory of its own with --data'
    })
  }
  if (version === FORMAT) return
  transaction(database, () => {
    database.exec(`${MIGRATIONS.slice(version).join('\n')} PRAGMA user_version = ${FORMAT};`)
    if (version < FORMAT_TASK_RECORDS) moveTasks(database)
  })
}
