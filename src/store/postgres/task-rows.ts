import { CaresError } from '../../model/errors.ts'
import { taskRecordSchema } from '../../model/persisted-task.ts'
import { blobsOf, type TaskRecord } from '../../model/task.ts'
import type { TaskQuery } from '../../model/task-service.ts'
import type { Queries } from './database.ts'

/** The task of a row. Throws `internal` when the row is not as CARES writes it. */
export function toTask({ record }: Readonly<Record<string, unknown>>): TaskRecord {
  try {
    return taskRecordSchema.parse(JSON.parse(String(record)))
  } catch (cause) {
    throw new CaresError('internal', 'a task in the database is not as CARES writes it', {
      hint: 'restore the tables of CARES from a backup of the database',
      cause
    })
  }
}

/** Writes tasks as they are now, in one statement, however many. */
export async function writeTasks(queries: Queries, tasks: readonly TaskRecord[], version: number): Promise<void> {
  if (tasks.length === 0) return
  await queries.query(
    `INSERT INTO cares_tasks (id, key, name, function, worker, state, seq, finished_at, has_blobs, record, port, version)
     SELECT *, $12::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::boolean[],
       $10::text[], $11::integer[])
     ON CONFLICT (id) DO UPDATE SET worker = excluded.worker, state = excluded.state, finished_at = excluded.finished_at,
       has_blobs = excluded.has_blobs, record = excluded.record, version = excluded.version`,
    [
      tasks.map(({ id }) => id),
      tasks.map(({ key = null }) => key),
      tasks.map(({ spec }) => spec.name),
      tasks.map(({ spec }) => spec.function ?? null),
      tasks.map(({ attempts }) => attempts.at(-1)?.worker ?? null),
      tasks.map(({ state }) => state),
      tasks.map(({ seq }) => seq),
      tasks.map(({ finishedAt = null }) => finishedAt),
      tasks.map(task => blobsOf(task).length > 0),
      tasks.map(task => JSON.stringify(task)),
      tasks.map(({ spec }) => spec.service?.publish ?? null),
      version
    ]
  )
}

/** One page of tasks, newest first, and one more if there is one. */
export async function readPage(
  queries: Queries,
  { states, function: fn, worker, before, limit }: TaskQuery
): Promise<readonly TaskRecord[]> {
  const rows = await queries.query(
    `SELECT record FROM cares_tasks
     WHERE ($1::text[] IS NULL OR state = ANY ($1)) AND ($2::text IS NULL OR function = $2) AND ($3::text IS NULL OR worker = $3)
       AND ($4::bigint IS NULL OR seq < $4)
     ORDER BY seq DESC LIMIT $5`,
    [states ?? null, fn ?? null, worker ?? null, before ?? null, limit + 1]
  )
  return rows.map(toTask)
}
