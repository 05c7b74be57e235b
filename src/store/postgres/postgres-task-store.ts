import { applyTaskChanges } from '../../core/tasks/apply-changes.ts'
import { TASKS_MAX } from '../../core/tasks/limits.ts'
import { restoreTables } from '../../core/tasks/restore-tables.ts'
import { CaresError } from '../../model/errors.ts'
import type { ClusterUid, Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import { valuesOf } from '../../model/shards.ts'
import { type BlobRef, blobsOf, type TaskChange, type TaskId, type TaskOutcome, type TaskRecord } from '../../model/task.ts'
import type { TaskCounts, TaskPage, TaskQuery } from '../../model/task-service.ts'
import { CHANNEL, PostgresDatabase, type Queries } from './database.ts'
import { readPage, toTask, writeTasks } from './task-rows.ts'

/** Most tasks that are not over, all of which the orchestrator holds in memory. Those that are over are only in the database. */
const OPEN_MAX = TASKS_MAX
/** Changed tasks that are read at a time, for the listeners. */
const NEWS_MAX = 1_000
const OPEN = "state IN ('queued', 'running')"
/** The log's limits are for what every peer keeps in memory, so they do not apply here. */
const UNLIMITED = { tasksMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY }

export interface PostgresTaskStoreComponents {
  /** Null: this peer is in no cluster yet. */
  readonly cluster: () => ClusterUid | null
  readonly clock: Clock
  readonly log: Logger
}

/** Where a commit begins. */
interface Meta {
  readonly seq: number
  readonly version: number
}

/**
 * The tasks in a PostgreSQL database that all peers of the cluster reach. Every commit locks the one row of `cares_task_meta`, so commits are ordered, and
 * the `version` that each gives to the tasks it changes becomes visible in that order: a peer that asks for all versions above its last one misses nothing.
 */
export class PostgresTaskStore implements TaskStore {
  readonly kind = 'postgres'
  readonly #cluster: PostgresTaskStoreComponents['cluster']
  readonly #log: Logger
  readonly #database: PostgresDatabase
  readonly #listeners: ((task: TaskRecord) => void)[] = []
  /** What the listeners have been told of; null before anything was read. */
  #version: number | null = null
  #telling: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor({ url }: { url: string }, { cluster, clock, log }: PostgresTaskStoreComponents) {
    this.#cluster = cluster
    this.#log = log
    this.#database = new PostgresDatabase({ url }, { clock, log })
  }

  get id(): string | null {
    return this.#database.id
  }

  /** Resolves though the database is away: functions work without it. */
  async start(): Promise<void> {
    this.#database.listen(() => {
      this.#tell().catch((err: unknown) => this.#log.debug({ err }, 'changed tasks are told of later'))
    })
  }

  async stop(): Promise<void> {
    await this.#telling.catch(() => {}) // Whoever waited for it was told.
    await this.#database.stop()
  }

  async commit(
    changes: readonly TaskChange[],
    { term, signal }: { term?: Term | undefined; signal: AbortSignal }
  ): Promise<readonly TaskOutcome[]> {
    signal.throwIfAborted()
    // What the listeners are told of begins before the first change that is made here.
    if (this.#version === null) await this.#tell()
    const outcomes = await this.#database.transaction(async queries => {
      const { version, ...meta } = await this.#lock(queries, term)
      let { seq } = meta
      const all: TaskOutcome[] = []
      for (const part of parts(changes)) {
        const done = await change(queries, part, { seq, version })
        all.push(...done.outcomes)
        seq = done.seq
      }
      await queries.query('UPDATE cares_task_meta SET seq = $1, version = $2', [seq, version + 1])
      await queries.query('SELECT pg_notify($1, $2)', [CHANNEL, ''])
      return all
    })
    await this.#tell()
    return outcomes
  }

  async find(id: TaskId): Promise<TaskRecord | undefined> {
    return (await this.#read('SELECT record FROM cares_tasks WHERE id = $1', id))[0]
  }

  async match(text: string): Promise<readonly TaskRecord[]> {
    const exact = await this.find(text as TaskId)
    if (exact !== undefined) return [exact]
    const matching = "SELECT record FROM cares_tasks WHERE name = $1 OR (id >= $1 AND id < $1 || '~')"
    return this.#read(`${matching} ORDER BY ${OPEN} DESC, seq DESC LIMIT 2`, text)
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    const tasks = await readPage(this.#database, query)
    const items = tasks.slice(0, query.limit)
    return { items, next: tasks.length > query.limit ? (items.at(-1)?.seq ?? null) : null }
  }

  async counts(): Promise<TaskCounts> {
    const counts = { queued: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0 }
    for (const row of await this.#database.query('SELECT state, count(*) AS count FROM cares_tasks GROUP BY state'))
      counts[row['state'] as keyof typeof counts] = Number(row['count'])
    return counts
  }

  async open({ term }: { term: Term }): Promise<readonly TaskRecord[]> {
    await this.#database.transaction(async queries => this.#lock(queries, term))
    return this.#read(`SELECT record FROM cares_tasks WHERE ${OPEN} ORDER BY seq`)
  }

  async published(): Promise<readonly TaskRecord[]> {
    return this.#read(`SELECT record FROM cares_tasks WHERE port IS NOT NULL AND ${OPEN}`)
  }

  async blobs(): Promise<readonly BlobRef[]> {
    return (await this.#read('SELECT record FROM cares_tasks WHERE has_blobs')).flatMap(blobsOf)
  }

  onChange(listener: (task: TaskRecord) => void): void {
    this.#listeners.push(listener)
  }

  async #read(text: string, ...values: readonly unknown[]): Promise<readonly TaskRecord[]> {
    return (await this.#database.query(text, values)).map(toTask)
  }

  /** Takes the lock until the end of the transaction, if the database is this cluster's, and the term is not over. */
  async #lock(queries: Queries, term: Term | undefined): Promise<Meta> {
    const cluster = this.#cluster()
    if (cluster === null) throw new CaresError('no_quorum', 'this peer is in no cluster yet', { retryable: true })
    const [row] = await queries.query('SELECT cluster, term, seq, version FROM cares_task_meta FOR UPDATE')
    if (row === undefined) throw new CaresError('internal', 'the table cares_task_meta is empty')
    const owner = row['cluster'] as string | null
    if (owner !== null && owner !== cluster) {
      throw new CaresError('conflict', `the database keeps the tasks of another cluster, ${owner}`, {
        hint: 'give each cluster a database, or a schema, of its own: --task-store-url …?options=-csearch_path%3DNAME'
      })
    }
    const known = Number(row['term'])
    if (term !== undefined && term < known) throw new CaresError('stale', `term ${known} has begun`, { retryable: true })
    if (owner === null || (term !== undefined && term > known))
      await queries.query('UPDATE cares_task_meta SET cluster = $1, term = $2', [cluster, term ?? known])
    return { seq: Number(row['seq']), version: Number(row['version']) }
  }

  /** Tells the listeners of everything that is in the database by now and that they have not been told of. */
  async #tell(): Promise<void> {
    // After the one that reads now, which may have begun before what this is about was there; together with whoever else waits for that.
    this.#next ??= this.#telling
      .catch(() => {}) // Whoever waited for it was told.
      .then(async () => {
        this.#next = undefined
        await this.#tellNews()
      })
    this.#telling = this.#next
    return this.#telling
  }

  async #tellNews(): Promise<void> {
    if (this.#version === null) {
      const [row] = await this.#database.query('SELECT version FROM cares_task_meta')
      this.#version = Number(row?.['version'] ?? 0)
      return
    }
    for (;;) {
      const rows = await this.#database.query(
        `SELECT record, version FROM cares_tasks WHERE version > $1 ORDER BY version FETCH FIRST ${NEWS_MAX} ROWS WITH TIES`,
        [this.#version]
      )
      for (const row of rows) {
        const task = toTask(row)
        for (const listener of this.#listeners) listener(task)
      }
      this.#version = Number(rows.at(-1)?.['version'] ?? this.#version)
      if (rows.length < NEWS_MAX) return
    }
  }
}

/** The changes in their order, cut into runs that concern single tasks, and each `expire`, which concerns all of them, by itself. */
function* parts(changes: readonly TaskChange[]): Generator<readonly TaskChange[], void> {
  let part: TaskChange[] = []
  for (const one of changes) {
    if (one.type !== 'expire') part.push(one)
    else {
      if (part.length > 0) yield part
      yield [one]
      part = []
    }
  }
  if (part.length > 0) yield part
}

/** Applies one such run, by the same code as the log (`applyTaskChanges`), to the tasks that it concerns. */
async function change(
  queries: Queries,
  changes: readonly TaskChange[],
  { seq, version }: Meta
): Promise<{ outcomes: readonly TaskOutcome[]; seq: number }> {
  const [first] = changes
  if (first?.type === 'expire') {
    const rows = await queries.query('DELETE FROM cares_tasks WHERE finished_at < $1 RETURNING id', [first.before])
    return { outcomes: [{ type: 'expired', count: rows.length }], seq }
  }
  const ids = changes.flatMap(one => (one.type === 'expire' ? [] : [one.id]))
  const keys = changes.flatMap(one => (one.type === 'submit' && one.key !== undefined ? [one.key] : []))
  const ports = changes.flatMap(one => (one.type === 'submit' ? (one.spec.service?.publish ?? []) : []))
  // Who has a port that is wanted counts, too.
  const rows = await queries.query(
    `SELECT record FROM cares_tasks WHERE id = ANY ($1) OR key = ANY ($2) OR (port = ANY ($3) AND port IS NOT NULL AND ${OPEN})`,
    [ids, keys, ports]
  )
  const before = restoreTables(rows.map(toTask), seq)
  if (changes.some(({ type }) => type === 'submit')) await checkRoom(queries, changes.length)
  const { tables, outcomes } = applyTaskChanges(before, changes, UNLIMITED)
  const known = new Set(valuesOf(before.tasks))
  const changed = valuesOf(tables.tasks)
    .filter(task => !known.has(task))
    .toArray()
  await writeTasks(queries, changed, version + 1)
  return { outcomes, seq: tables.seq }
}

async function checkRoom(queries: Queries, more: number): Promise<void> {
  const [row] = await queries.query(`SELECT count(*) AS count FROM (SELECT 1 FROM cares_tasks WHERE ${OPEN} LIMIT ${OPEN_MAX}) AS open`)
  if (Number(row?.['count']) + more <= OPEN_MAX) return
  throw new CaresError('limit_reached', `the cluster keeps at most ${OPEN_MAX} tasks that are not over`, { retryable: true })
}
