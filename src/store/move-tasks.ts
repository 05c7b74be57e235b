import type { DatabaseSync } from 'node:sqlite'
import { countSchema } from '../model/persisted.ts'
import { readTaskRecord } from '../model/persisted-task.ts'
import { parseWith } from '../model/validation.ts'
import { RowTable } from './row-table.ts'
import { TaskTable } from './task-table.ts'

/** The row, among those of the peer's state, of the last number given to a task. */
export const TASK_SEQ_KEY = 'task_seq'

/** In databases of before, it was a row among the tasks, whose ids start with `t-`. */
const OLD_SEQ_KEY = 'seq'

/** Moves the tasks of a database that has them by their ids to where they are by their numbers. Throws `disk_failed` for a row that cannot be right. */
export function moveTasks(database: DatabaseSync): void {
  const tasks = new TaskTable(database)
  const state = new RowTable(database, 'state')
  new RowTable(database, 'tasks').readAs((value, key) => {
    if (key === OLD_SEQ_KEY) state.put(TASK_SEQ_KEY, parseWith(countSchema, value, 'it'))
    else tasks.put(readTaskRecord(value, 'it'))
  })
  database.exec('DROP TABLE tasks')
}
