import type { Edit, Mutant } from './mutant.ts'

function edit(file: string, find: string, replace: string): Edit {
  return { file: `src/${file}`, find, replace }
}

const LEASES = 'core/tasks/leases.ts'
const CHANGE = 'core/tasks/change-task.ts'
const ORCHESTRATOR = 'daemon/tasks/task-orchestrator.ts'
const WORKER = 'daemon/tasks/task-worker.ts'

/**
 * About ten times the first seed that found one, which was 1, at most 8, and 14. What one run in n finds is missed by 10 n of them once in 20,000 times, so
 * that another draw of the same faults does not let it pass. What a directed test finds first has no budget.
 */
const SOON = 10
const LATER = 80
const LATE = 140

/** Bugs of durable tasks. */
export const TASK_MUTANTS: readonly Mutant[] = [
  {
    name: 'revives a session that was given up',
    risk: 'a renewal that comes late lets the old attempt live beside the new one',
    edits: [edit(LEASES, "if (this.#burned.has(session)) return 'burned'", '')],
    seedsMax: 0
  },
  {
    name: 'gives up a worker that is only late',
    risk: 'the attempt of a worker that still holds its lease runs beside the next one',
    edits: [
      edit(
        LEASES,
        'return known.session === session ? known.renewedAtMs + this.#times.orchestratorMs',
        'return known.session === session ? known.renewedAtMs + 2 * this.#times.renewMs'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'believes at once that unheard workers are lost',
    risk: 'every election doubles what runs',
    edits: [
      edit(
        LEASES,
        'if (known === undefined) return this.#sinceMs + this.#times.orchestratorMs',
        'if (known === undefined) return Number.NEGATIVE_INFINITY'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'records the result of any attempt',
    risk: 'a task that is tried again gets the result of the attempt that was given up',
    edits: [
      edit(
        CHANGE,
        'return task.attempt === attempt ? null : stale(task, `attempt ${task.attempt} is under way, not ${attempt}`)',
        'return null'
      )
    ],
    seedsMax: 0
  },
  {
    name: 'records a second result',
    risk: 'what a client was told is not what the next one is told',
    edits: [edit(CHANGE, "if (task.state !== 'running') return stale(task, `it is ${task.state}`)", '')],
    seedsMax: LATER
  },
  {
    name: 'forgets to count failures',
    risk: 'a task that cannot succeed is tried for ever',
    edits: [edit(CHANGE, ' + (change.counts ? 1 : 0)', '')],
    seedsMax: 0
  },
  {
    name: 'counts what never began',
    risk: 'a task dies of a busy cluster',
    edits: [edit(CHANGE, 'failures >= task.spec.attemptsMax', 'task.attempt >= task.spec.attemptsMax')],
    seedsMax: LATER
  },
  {
    name: 'takes a repeated key for another task',
    risk: 'a client that asks again, because it heard nothing, runs its work twice',
    edits: [edit('core/tasks/apply-changes.ts', '(key === undefined ? undefined : this.#keys.get(key)) ?? id', 'id')],
    seedsMax: SOON
  },
  {
    name: 'begins a known attempt again',
    risk: 'an order that is sent again is a second run',
    edits: [edit(WORKER, 'if (this.#runs.has(key) || this.#reports.has(key) || this.#over.has(key)) return null', '')],
    seedsMax: LATE
  },
  {
    name: 'takes orders for an earlier session',
    risk: 'what was given up with a session runs after all',
    edits: [edit(WORKER, 'if (order.session !== this.#session || this.#leaseUntilMs === null)', 'if (this.#leaseUntilMs === null)')],
    seedsMax: 0
  },
  {
    name: 'comes back before its old programs have ended',
    risk: 'the orchestrator gives away what still runs',
    edits: [edit(WORKER, 'return (this.#isReady = ready)', 'return (this.#isReady = ready || true)')],
    seedsMax: 0
  },
  {
    name: 'comes back as a new session at once',
    risk: 'the orchestrator gives away what is still being ended',
    edits: [
      edit(WORKER, '      await Promise.all(runs.map(async ({ ended }) => ended))\n', ''),
      edit(WORKER, '      if (runs.length > 0) await clock.sleep(FENCE_MS, { signal: this.#stopping.signal })\n', '')
    ],
    seedsMax: 0
  },
  {
    name: 'ignores the end of its lease, with no watchdog',
    risk: 'a worker that is cut off runs what was given to others',
    edits: [
      edit(WORKER, '    if (this.#leaseUntilMs === null || this.#components.clock.nowMs() < this.#leaseUntilMs) return\n', '    return\n'),
      edit(WORKER, '      this.#components.runtime?.setLease?.(this.#leaseUntilMs - clock.nowMs())\n', '')
    ],
    seedsMax: 0
  },
  {
    name: 'dispatches before it is agreed',
    risk: 'a worker runs what the next orchestrator gives to somebody else',
    edits: [
      edit(
        ORCHESTRATOR,
        '      const at = clock.timestamp()\n      try {\n        const outcomes',
        '      const at = clock.timestamp()\n      for (const { task, worker, session } of assigned) this.#outbox.add(worker, { task, attempt: task.attempt + 1, session })\n      try {\n        const outcomes'
      )
    ],
    seedsMax: SOON
  },
  {
    name: 'does not tell the worker of a lost session',
    risk: 'tasks of a lost worker stay with it for ever',
    edits: [edit(ORCHESTRATOR, 'if (!this.#sessions.isLost(worker, session, nowMs)) {', '{')],
    seedsMax: LATER
  }
]
