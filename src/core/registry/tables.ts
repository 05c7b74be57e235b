import type { Outcome, Remembered } from '../../model/command.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { RegistryTables } from '../../model/ports/store.ts'
import type { AgreedStrategy } from '../../model/placement.ts'
import type { TaskTables } from '../../model/task.ts'
import { noTasks } from '../tasks/apply-changes.ts'
import { REMEMBERED_MAX } from './limits.ts'
import { textBytes } from './text-bytes.ts'

/** The tables of a cluster in which nothing has happened. */
export function emptyTables(): RegistryTables {
  return { functions: new Map(), removed: new Map(), draining: new Set(), tasks: noTasks(), remembered: new Map() }
}

/**
 * Tables under change: each is copied when it is first changed, and never again. So a batch of commands costs one copy of what it touches,
 * however many commands it has, and readers of the tables it started from see nothing of it.
 */
export interface Draft {
  readonly tables: RegistryTables
  functions(): Map<string, FunctionRecord>
  /** What {@link textBytes} of all functions sums up to; counted when it is first asked for, then kept up by {@link Draft.grow}. */
  functionsBytes(): number
  /** Reports by how many bytes a change of `functions` has changed their sum. */
  grow(bytes: number): void
  removed(): Map<string, number>
  draining(): Set<string>
  /** Keeps the outcome of a command, and forgets the oldest ones over the limit. */
  remember(id: string, outcome: Outcome): void
  /** Read it, or assign another one. */
  strategy: AgreedStrategy | undefined
  /** Tells the version of a command that is among those which made the tables. */
  raiseVersion(version: number): void
  /** Read them, or assign others: they are never changed in place. */
  tasks: TaskTables
}

/** Starts a change of `base`. `tables` is `base` itself as long as nothing was changed. */
export function draftOf(base: RegistryTables): Draft {
  let tables = base
  let functions: Map<string, FunctionRecord> | undefined
  let removed: Map<string, number> | undefined
  let draining: Set<string> | undefined
  let remembered: Map<string, Remembered> | undefined
  let bytes: number | undefined
  let newestSeq: number | undefined
  return {
    get tables() {
      return tables
    },
    functions() {
      if (functions === undefined) tables = { ...tables, functions: (functions = new Map(base.functions)) }
      return functions
    },
    functionsBytes() {
      return (bytes ??= tables.functions.values().reduce((sum, fn) => sum + textBytes(fn), 0))
    },
    grow(delta) {
      if (bytes !== undefined) bytes += delta
    },
    removed() {
      if (removed === undefined) tables = { ...tables, removed: (removed = new Map(base.removed)) }
      return removed
    },
    draining() {
      if (draining === undefined) tables = { ...tables, draining: (draining = new Set(base.draining)) }
      return draining
    },
    remember(id, outcome) {
      if (remembered === undefined) tables = { ...tables, remembered: (remembered = new Map(base.remembered)) }
      newestSeq ??= remembered.values().reduce((newest, { seq }) => Math.max(newest, seq), 0)
      remembered.set(id, { seq: ++newestSeq, outcome })
      for (const oldest of remembered.keys()) {
        if (remembered.size <= REMEMBERED_MAX) break
        remembered.delete(oldest)
      }
    },
    get strategy() {
      return tables.strategy
    },
    set strategy(next) {
      tables = { ...tables, strategy: next }
    },
    raiseVersion(version) {
      if (version > (tables.commandVersion ?? 1)) tables = { ...tables, commandVersion: version }
    },
    get tasks() {
      return tables.tasks
    },
    set tasks(next) {
      if (next !== tables.tasks) tables = { ...tables, tasks: next }
    }
  }
}
