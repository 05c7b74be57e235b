import type { PeerId } from '../../model/ids.ts'
import type { Applied } from '../../model/ports/store.ts'
import type { TaskChange, TaskId, TaskOutcome, TaskSession } from '../../model/task.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import type { WholeCoverage } from './coverage.ts'
import type { ProgramEnd } from './task-programs.ts'
import type { TaskHistory, TaskRun } from './task-history.ts'

/** What the log has said of one task so far. */
interface Logged {
  readonly assigned: Map<number, { readonly worker: PeerId; readonly session: TaskSession }>
  last: number
  isRunning: boolean
  isOver: boolean
  readonly isService: boolean
}

/**
 * Hears of every change of a task that is agreed and of every program that begins or ends, and throws a `Violation` when they do not go together: a
 * program that nobody has ordered, two of one task at once, a second result. Knows nothing of how the tables are kept.
 */
export class TaskMonitor {
  readonly #world: World
  readonly #history: TaskHistory
  readonly #coverage: WholeCoverage
  readonly #tasks = new Map<TaskId, Logged>()
  readonly #live = new Map<TaskId, TaskRun>()
  #seenIndex = 0

  constructor({ world, history, coverage }: { world: World; history: TaskHistory; coverage: WholeCoverage }) {
    this.#world = world
    this.#history = history
    this.#coverage = coverage
  }

  /** A peer applies entries. That all peers apply the same is for others to hold. */
  onApply(applied: readonly Applied[]): void {
    for (const { index, command, outcome } of applied) {
      if (index <= this.#seenIndex) continue
      this.#seenIndex = index
      if (command.type !== 'tasks' || outcome.type !== 'tasks-changed') continue
      for (const [at, change] of command.changes.entries()) this.#onChange(change, outcome.outcomes[at])
    }
  }

  /** A program begins. Returns what is to be told when it ends. */
  onStart(worker: PeerId, task: TaskId, attempt: number, output: string | undefined): (how: ProgramEnd) => void {
    const order = this.#tasks.get(task)?.assigned.get(attempt)
    if (order?.worker !== worker)
      throw new Violation(`${worker} begins attempt ${attempt} of ${task}, which is agreed for ${order?.worker ?? 'nobody'}`)
    const other = this.#live.get(task)
    if (other !== undefined)
      throw new Violation(`${worker} begins attempt ${attempt} of ${task} while ${other.worker} runs ${other.attempt}`)
    const run: TaskRun = { task, attempt, worker, startMs: this.#world.nowMs }
    this.#history.runs.push(run)
    this.#live.set(task, run)
    return how => {
      this.#live.delete(task)
      run.endMs = this.#world.nowMs
      if (how === 'done' && output !== undefined) run.output = output
      if (how === 'killed') this.#coverage.taskProgramsKilled += 1
    }
  }

  #onChange(change: TaskChange, outcome: TaskOutcome | undefined): void {
    if (change.type === 'expire') return
    const known = this.#tasks.get(change.id)
    if (outcome?.type !== 'changed') return this.#onIdle(change, outcome)
    if (change.type === 'submit') {
      if (known !== undefined) throw new Violation(`${change.id} was submitted twice`)
      const isService = change.spec.service !== undefined
      this.#tasks.set(change.id, { assigned: new Map(), last: 0, isRunning: false, isOver: false, isService })
      return
    }
    if (known === undefined) throw new Violation(`${change.id} is changed (${change.type}) and was never submitted`)
    if (known.isOver) throw new Violation(`${change.id} is over, and then there is another ${change.type}`)
    switch (change.type) {
      case 'assign':
        if (known.isRunning) throw new Violation(`attempt ${change.attempt} of ${change.id} is given away while ${known.last} is under way`)
        if (change.attempt <= known.last) throw new Violation(`attempt ${change.attempt} of ${change.id} comes after ${known.last}`)
        known.assigned.set(change.attempt, change)
        if (known.isService && change.attempt > 1) this.#coverage.servicesStartedAgain += 1
        known.last = change.attempt
        known.isRunning = true
        return
      case 'health':
        if (!known.isRunning || change.attempt !== known.last)
          throw new Violation(`attempt ${change.attempt} of ${change.id}, whose health is told, is not under way`)
        return
      case 'complete':
      case 'fail':
        if (!known.isRunning || change.attempt !== known.last)
          throw new Violation(`attempt ${change.attempt} of ${change.id} ends while ${known.isRunning ? known.last : 'none'} is under way`)
        known.isRunning = false
        if (change.type === 'complete') known.isOver = true
        else if (change.failure.code === 'peer_lost') this.#coverage.taskAttemptsLost += 1
        else if (!change.counts) this.#coverage.taskAttemptsReturned += 1
        return
      case 'cancel':
        known.isRunning = false
        known.isOver = true
    }
  }

  #onIdle(change: TaskChange, outcome: TaskOutcome | undefined): void {
    if (change.type === 'submit' && outcome?.type === 'unchanged') this.#coverage.taskKeysRepeated += 1
    if ((change.type === 'complete' || change.type === 'fail') && outcome?.type === 'refused') this.#coverage.taskReportsLate += 1
  }
}
