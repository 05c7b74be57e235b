import pg from 'pg'
import { CaresError } from '../../model/errors.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'

/** Commits of a peer come one after the other; the rest is for what it reads. Ten times a hundred peers is what a server takes by default. */
const CONNECTIONS_MAX = 4
const CONNECT_TIMEOUT_MS = 5_000
/** A statement takes milliseconds. One that waits longer than this waits for a peer that holds the lock and was lost. */
const STATEMENT_TIMEOUT_MS = 10_000
/** After this, the server ends a transaction whose peer has fallen silent, so that its lock is free again. */
const IDLE_TRANSACTION_MS = 5_000
/** Key of an advisory lock, the same in all versions: of several peers that start with an empty database, only one makes the tables. */
const SCHEMA_LOCK = 4_227_337
/** Version of the tables' layout, which is written into the database: peers refuse a layout that they do not know. */
const LAYOUT = 1
/** Between two tries to hear of changes again. */
const LISTEN_AGAIN_MS = 1_000
/** The channel on which peers notify each other of changed tasks (`NOTIFY`). */
export const CHANNEL = 'cares_tasks'

/*
 * `record` is text and not jsonb: what a program wrote may hold NUL, which jsonb refuses. Ids and times compare byte by byte ("C"), as in the log.
 */
const TABLES = `
  CREATE TABLE IF NOT EXISTS cares_task_meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    layout integer NOT NULL,
    cluster text,
    term bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
  );
  ALTER TABLE cares_task_meta ADD COLUMN IF NOT EXISTS id text;
  INSERT INTO cares_task_meta (layout) VALUES (${LAYOUT}) ON CONFLICT DO NOTHING;
  UPDATE cares_task_meta SET id = gen_random_uuid() WHERE id IS NULL;
  CREATE TABLE IF NOT EXISTS cares_tasks (
    id text COLLATE "C" PRIMARY KEY,
    key text COLLATE "C" UNIQUE,
    name text NOT NULL,
    function text,
    worker text,
    state text NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL,
    finished_at text COLLATE "C",
    has_blobs boolean NOT NULL,
    record text NOT NULL
  );
  ALTER TABLE cares_tasks ADD COLUMN IF NOT EXISTS port integer;
  CREATE INDEX IF NOT EXISTS cares_tasks_port ON cares_tasks (port) WHERE port IS NOT NULL;
  CREATE INDEX IF NOT EXISTS cares_tasks_seq ON cares_tasks (seq);
  CREATE INDEX IF NOT EXISTS cares_tasks_version ON cares_tasks (version);
  CREATE INDEX IF NOT EXISTS cares_tasks_state ON cares_tasks (state, seq);
  CREATE INDEX IF NOT EXISTS cares_tasks_name ON cares_tasks (name);
  CREATE INDEX IF NOT EXISTS cares_tasks_finished ON cares_tasks (finished_at) WHERE finished_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS cares_tasks_blobs ON cares_tasks (seq) WHERE has_blobs;
`

/** What runs one statement: the database, or a transaction of it. */
export interface Queries {
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
}

/** A PostgreSQL database with the tables of tasks. It may be away: then everything throws `no_quorum`, and is tried anew the next time. */
export class PostgresDatabase implements Queries {
  readonly #url: string
  readonly #clock: Clock
  readonly #log: Logger
  readonly #pool: pg.Pool
  readonly #stopping = new AbortController()
  #id: string | null = null
  #prepared: Promise<void> | undefined
  #listening: Promise<void> | undefined

  constructor({ url }: { url: string }, { clock, log }: { clock: Clock; log: Logger }) {
    this.#url = url
    this.#clock = clock
    this.#log = log
    this.#pool = new pg.Pool({
      ...this.#connection,
      max: CONNECTIONS_MAX,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS
    })
    // An idle connection that breaks is replaced; without a listener it would end the process.
    this.#pool.on('error', err => log.debug({ err }, 'connection to the database lost'))
  }

  /** Drawn once, by the peer that made the tables, and kept in them. Null before the database was reached. A copy of the database has the same. */
  get id(): string | null {
    return this.#id
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    await this.#prepare()
    try {
      return (await this.#pool.query(text, [...values])).rows as Record<string, unknown>[]
    } catch (cause) {
      throw databaseError(cause)
    }
  }

  /** Runs `work` in a transaction: all of it is there afterwards, or nothing. */
  async transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    await this.#prepare()
    return this.#transaction(work)
  }

  /** Calls `onNews` whenever another peer may have changed something, also after the connection was lost and is there again. */
  listen(onNews: () => void): void {
    this.#listening ??= this.#listen(onNews).catch((err: unknown) => {
      if (!this.#stopping.signal.aborted) this.#log.error({ err }, 'changes in the database are not heard of any more')
    })
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#stopping.abort(new CaresError('stopping', 'this peer is stopping', { retryable: true }))
    await this.#listening
    await this.#pool.end()
  }

  get #connection(): pg.ClientConfig {
    return { connectionString: this.#url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'cares', keepAlive: true }
  }

  async #prepare(): Promise<void> {
    if (this.#stopping.signal.aborted) throw this.#stopping.signal.reason
    this.#prepared ??= this.#makeTables().catch((err: unknown) => {
      this.#prepared = undefined
      throw err
    })
    await this.#prepared
  }

  async #makeTables(): Promise<void> {
    const { layout, id } = await this.#transaction(async queries => {
      await queries.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK])
      await queries.query(TABLES)
      const [meta] = await queries.query('SELECT layout, id FROM cares_task_meta')
      return { layout: meta?.['layout'], id: String(meta?.['id']) }
    })
    if (layout === LAYOUT) {
      this.#id = id
      return
    }
    throw new CaresError('incompatible', `the database keeps tasks in layout ${String(layout)}, and this version knows layout ${LAYOUT}`, {
      hint: 'run a version of CARES that is as new as the one that made it'
    })
  }

  async #transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw databaseError(cause)
    })
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work({ query: async (text, values = []) => rowsOf(await client.query(text, [...values])) })
      await client.query('COMMIT')
      return result
    } catch (cause) {
      broken = await client.query('ROLLBACK').then(
        () => undefined,
        (err: Error) => err
      )
      throw databaseError(cause)
    } finally {
      client.release(broken)
    }
  }

  async #listen(onNews: () => void): Promise<void> {
    const { signal } = this.#stopping
    let isAway = false
    while (!signal.aborted) {
      const client = new pg.Client(this.#connection)
      const lost = Promise.withResolvers<void>()
      const onLost = (): void => lost.resolve()
      client.on('error', onLost).on('end', onLost).on('notification', onNews)
      signal.addEventListener('abort', onLost, { once: true })
      try {
        await client.connect()
        await client.query(`LISTEN ${CHANNEL}`)
        if (isAway) this.#log.info({}, 'the database with the tasks is there again')
        isAway = false
        // What was changed before this moment was told to nobody here.
        onNews()
        await lost.promise
      } catch (err) {
        if (!isAway) this.#log.warn({ err }, 'the database with the tasks cannot be reached')
        isAway = true
      } finally {
        signal.removeEventListener('abort', onLost)
        await client.end().catch(() => {}) // It is gone already.
      }
      await this.#clock.sleep(LISTEN_AGAIN_MS, { signal }).catch(() => {}) // The loop ends by itself.
    }
  }
}

function rowsOf({ rows }: pg.QueryResult): readonly Record<string, unknown>[] {
  // Several statements at once give several results, and no rows.
  return (rows as Record<string, unknown>[] | undefined) ?? []
}

/** The failure of the database as a CaresError, without its address, which may hold a password. */
function databaseError(cause: unknown): CaresError {
  if (cause instanceof CaresError) return cause
  const reason = cause instanceof AggregateError ? String(cause.errors[0]) : cause instanceof Error ? cause.message : String(cause)
  return new CaresError('no_quorum', `the database with the tasks does not do its work: ${reason}`, {
    retryable: true,
    hint: 'check the server, and --task-store-url; functions can be called without it',
    cause
  })
}
