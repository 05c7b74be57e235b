import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { readTaskRecord } from '../model/persisted-task.ts'
import type { TaskRecord } from '../model/task.ts'
import { damaged } from './disk-error.ts'

/**
 * Tasks as JSON, by the number that each got when it was submitted: so tasks of about the same time are neighbours, and what changes together is written
 * together. By their ids, which are random, each would be on a page of its own: ten times the work, and four times the disk. Writes belong into a
 * transaction of the caller.
 */
export class TaskTable {
  readonly #select: StatementSync
  readonly #upsert: StatementSync
  readonly #delete: StatementSync
  readonly #clear: StatementSync

  constructor(database: DatabaseSync) {
    this.#select = database.prepare('SELECT seq, value, crc32 FROM task_records ORDER BY seq')
    this.#upsert = database.prepare('INSERT OR REPLACE INTO task_records (seq, value, crc32) VALUES (?, ?, ?)')
    this.#delete = database.prepare('DELETE FROM task_records WHERE seq = ?')
    this.#clear = database.prepare('DELETE FROM task_records')
  }

  /** Every task in the order of submission, one after the other: there may be many. Throws `disk_failed` for the first that cannot be right. */
  *read(): Generator<TaskRecord, void> {
    for (const row of this.#select.iterate()) {
      const seq = Number(row['seq'])
      const value = String(row['value'])
      if (row['crc32'] !== checksum(seq, value)) throw damaged(`the record of task ${seq}`, 'its checksum does not match')
      yield this.#parse(seq, value)
    }
  }

  put(task: TaskRecord): void {
    this.putText(task.seq, JSON.stringify(task))
  }

  /** Puts a task that is JSON already. */
  putText(seq: number, text: string): void {
    this.#upsert.run(seq, text, checksum(seq, text))
  }

  delete(seq: number): void {
    this.#delete.run(seq)
  }

  clear(): void {
    this.#clear.run()
  }

  #parse(seq: number, value: string): TaskRecord {
    try {
      const task = readTaskRecord(JSON.parse(value), 'it')
      if (task.seq !== seq) throw new Error(`it is of task ${task.seq}`)
      return task
    } catch (error) {
      throw damaged(`the record of task ${seq}`, error instanceof Error ? error.message : String(error), error)
    }
  }
}

function checksum(seq: number, value: string): number {
  return crc32(`${seq}\0${value}`)
}
