import { applyTaskChanges, noTasks } from '../../src/core/tasks/apply-changes.ts'
import type { Committed } from '../../src/daemon/agreement/proposals.ts'
import { LogTaskStore } from '../../src/daemon/tasks/log-task-store.ts'
import type { Command } from '../../src/model/command.ts'
import { CaresError } from '../../src/model/errors.ts'
import type { Term } from '../../src/model/ids.ts'
import type { TaskTables } from '../../src/model/task.ts'

/** A log of tasks on which all peers agree at once. */
export class AgreedLog {
  readonly stores: LogTaskStore[] = []
  #tables: TaskTables = noTasks()
  #term = 0

  get tables(): TaskTables {
    return this.#tables
  }

  peer(): LogTaskStore {
    const store = new LogTaskStore({
      tables: () => this.#tables,
      agree: async (command, { signal }) => this.#apply(command, signal),
      propose: async (command, term, { signal }) => {
        if (term < this.#term) throw new CaresError('stale', `term ${this.#term} has begun`)
        return this.#apply(command, signal)
      }
    })
    this.stores.push(store)
    return store
  }

  begin(term: Term): void {
    this.#term = Math.max(this.#term, term)
  }

  #apply(command: Command, signal: AbortSignal): Committed {
    signal.throwIfAborted()
    if (command.type !== 'tasks') throw new Error(`not a change of tasks: ${command.type}`)
    const { tables, outcomes } = applyTaskChanges(this.#tables, command.changes)
    this.#tables = tables
    const outcome = { type: 'tasks-changed', outcomes } as const
    for (const store of this.stores) store.onApplied([{ index: 1, command, outcome }])
    return { index: 1, term: this.#term, outcome }
  }
}
