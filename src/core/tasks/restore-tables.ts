import { shardsOf } from '../../model/shards.ts'
import { isOver, type TaskRecord, type TaskTables } from '../../model/task.ts'
import { taskBytes } from './task-bytes.ts'

/** The tables that these records make up. `seq`: the last number that was given, which may be of a task that is forgotten. */
export function restoreTables(records: readonly TaskRecord[], seq: number): TaskTables {
  return {
    tasks: shardsOf(records.map(task => [task.id, task])),
    keys: shardsOf(records.flatMap(({ id, key }) => (key === undefined ? [] : [[key, id] as const]))),
    ports: new Map(
      records.flatMap(task => {
        const { publish } = task.spec.service ?? {}
        return publish === undefined || isOver(task) ? [] : [[publish, task.id] as const]
      })
    ),
    seq,
    bytes: records.reduce((sum, task) => sum + taskBytes(task), 0)
  }
}
