import type { DatabaseSync } from 'node:sqlite'
import { COMMAND_VERSION } from '../core/registry/command-version.ts'
import { restoreTables } from '../core/tasks/restore-tables.ts'
import { Sharing } from '../core/tasks/sharing.ts'
import type { Remembered } from '../model/command.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { TaskRecord } from '../model/task.ts'
import type { RegistryTables } from '../model/ports/store.ts'
import { CaresError } from '../model/errors.ts'
import { agreedStrategySchema } from '../model/function-request.ts'
import { countSchema, readFunctionRecord, rememberedSchema } from '../model/persisted.ts'
import { differences, valueAt } from '../model/shards.ts'
import { parseWith } from '../model/validation.ts'
import { damaged } from './disk-error.ts'
import { TASK_SEQ_KEY } from './move-tasks.ts'
import { RowTable } from './row-table.ts'
import type { SnapshotRow } from './snapshot-data.ts'
import { TaskTable } from './task-table.ts'

/** The row, among those of the peer's state, of the strategy that was agreed on. */
const STRATEGY_KEY = 'strategy'

/** Another one, of the version of the commands that made the tables. */
const VERSION_KEY = 'command_version'

/** The registry's tables as rows. Writes belong into a transaction of the caller. */
export class RegistryRows {
  readonly #state: RowTable
  readonly #functions: RowTable
  readonly #removed: RowTable
  readonly #draining: RowTable
  readonly #tasks: TaskTable
  readonly #remembered: RowTable

  constructor(database: DatabaseSync) {
    this.#state = new RowTable(database, 'state')
    this.#functions = new RowTable(database, 'functions')
    this.#removed = new RowTable(database, 'removed')
    this.#draining = new RowTable(database, 'draining')
    this.#tasks = new TaskTable(database)
    this.#remembered = new RowTable(database, 'remembered')
  }

  /** Throws `incompatible` for tables of a newer version. */
  read(): RegistryTables {
    const state = this.#state.read()
    const commandVersion = this.#state.valueOf(state, VERSION_KEY, value => parseWith(countSchema, value, 'it'), undefined)
    // Said before a row is looked at: what this version finds wrong with them need not be.
    if ((commandVersion ?? 1) > COMMAND_VERSION) throw tooNew(commandVersion ?? 1)
    const strategy = this.#state.valueOf(state, STRATEGY_KEY, value => parseWith(agreedStrategySchema, value, 'it'), undefined)
    const functions: ReadonlyMap<string, FunctionRecord> = this.#functions.readAs(value => readFunctionRecord(value, 'it'))
    for (const [key, { name }] of functions) if (key !== name) throw damaged(`function ${key}`, `its record is named ${name}`)
    return {
      functions,
      removed: this.#removed.readAs(value => parseWith(countSchema, value, 'it')),
      draining: new Set(this.#draining.read().keys()),
      ...(strategy === undefined ? {} : { strategy }),
      tasks: this.#readTasks(this.#state.valueOf(state, TASK_SEQ_KEY, value => parseWith(countSchema, value, 'it'), 0)),
      remembered: inOrder(this.#remembered.readAs(value => parseWith(rememberedSchema, value, 'it'))),
      ...(commandVersion === undefined ? {} : { commandVersion })
    }
  }

  /**
   * Makes rows that held `from` hold `to`. The whole tables are compared, rather than the commands between them read again: what a
   * command does to other rows (a limit that drops the oldest) is then never missed. Rows are values, so being the same object is being
   * equal, and some thousand comparisons cost less than one fsync.
   */
  replace(from: RegistryTables, to: RegistryTables): void {
    writeDifference(this.#functions, from.functions, to.functions)
    writeDifference(this.#removed, from.removed, to.removed)
    writeDifference(this.#draining, asMap(from.draining), asMap(to.draining))
    if (from.strategy !== to.strategy) {
      if (to.strategy === undefined) this.#state.delete(STRATEGY_KEY)
      else this.#state.put(STRATEGY_KEY, to.strategy)
    }
    if (to.commandVersion !== undefined && from.commandVersion !== to.commandVersion) this.#state.put(VERSION_KEY, to.commandVersion)
    this.#replaceTasks(from.tasks.tasks, to.tasks.tasks)
    writeDifference(this.#remembered, from.remembered, to.remembered)
    if (from.tasks.seq !== to.tasks.seq) this.#state.put(TASK_SEQ_KEY, to.tasks.seq)
  }

  /** Adds rows of a snapshot, best in the order of their keys: in any other, each would be written to another page. */
  insert(rows: readonly SnapshotRow[]): void {
    for (const row of rows) {
      if (row.table === 'tasks') this.#tasks.putText(row.seq, row.text)
      else this.#functions.putText(row.key, row.text)
    }
  }

  clear(): void {
    this.#state.delete(STRATEGY_KEY)
    this.#state.delete(VERSION_KEY)
    this.#state.delete(TASK_SEQ_KEY)
    this.#functions.clear()
    this.#removed.clear()
    this.#draining.clear()
    this.#tasks.clear()
    this.#remembered.clear()
  }

  #readTasks(seq: number): RegistryTables['tasks'] {
    const sharing = new Sharing()
    return restoreTables(
      Array.from(this.#tasks.read(), task => sharing.task(task)),
      seq
    )
  }

  #replaceTasks(from: RegistryTables['tasks']['tasks'], to: RegistryTables['tasks']['tasks']): void {
    const changed: TaskRecord[] = []
    for (const [id, task] of differences(from, to)) {
      const before = valueAt(from, id)
      // Also of one that was forgotten, and submitted anew.
      if (before !== undefined && before.seq !== task?.seq) this.#tasks.delete(before.seq)
      if (task !== undefined) changed.push(task)
    }
    for (const task of changed.sort((a, b) => a.seq - b.seq)) this.#tasks.put(task)
  }
}

function tooNew(version: number): CaresError {
  return new CaresError(
    'incompatible',
    `the data directory holds what commands of version ${version} made, this version of CARES reads up to ${COMMAND_VERSION}`,
    { hint: 'start it with the version of CARES that has run on it before, or a newer one' }
  )
}

function inOrder(rows: ReadonlyMap<string, Remembered>): ReadonlyMap<string, Remembered> {
  return new Map([...rows].sort(([, a], [, b]) => a.seq - b.seq))
}

function writeDifference<Value extends object | number | true>(
  table: RowTable,
  from: ReadonlyMap<string, Value>,
  to: ReadonlyMap<string, Value>
): void {
  if (from === to) return
  for (const key of from.keys()) if (!to.has(key)) table.delete(key)
  for (const [key, value] of to) if (from.get(key) !== value) table.put(key, value)
}

function asMap(set: ReadonlySet<string>): ReadonlyMap<string, true> {
  return new Map(set.keys().map(key => [key, true]))
}
