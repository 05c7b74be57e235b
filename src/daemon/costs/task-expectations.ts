import type { TaskId, TaskRecord } from '../../model/task.ts'
import type { Placer } from '../calls/placer.ts'
import { attemptMs } from '../tasks/task-placement.ts'
import type { Learning } from './learning.ts'

/** Tasks whose expectation is remembered, whoever runs them: more than people look at. Of older ones nothing is told. */
const TASKS_MAX = 4_096

export interface TaskExpectationsComponents {
  readonly placer: Pick<Placer, 'estimate'>
  readonly learning: Pick<Learning, 'slowness'>
}

/**
 * What each attempt of a task was expected to take when it began, so that people can see it beside what it took. It is what this peer expected: all hear
 * of every assignment, and know by what they have learned since what comes of it no better than it was known then.
 */
export class TaskExpectations {
  readonly #components: TaskExpectationsComponents
  readonly #known = new Map<TaskId, { readonly attempt: number; readonly expectedMs: number }>()

  constructor(components: TaskExpectationsComponents) {
    this.#components = components
  }

  /** A task has changed. Of a service nothing is expected: it has no end of its own. */
  onTask(task: TaskRecord): void {
    if (task.spec.service !== undefined) return
    const worker = task.attempts.at(-1)?.worker
    if (task.state !== 'running' || worker === undefined || this.#known.get(task.id)?.attempt === task.attempt) return
    this.#known.delete(task.id)
    const { placer, learning } = this.#components
    this.#known.set(task.id, { attempt: task.attempt, expectedMs: attemptMs(placer, task, learning.slowness(worker)) })
    if (this.#known.size > TASKS_MAX) for (const oldest of this.#known.keys().take(1)) this.#known.delete(oldest)
  }

  /** In milliseconds, of the newest attempt; undefined where this peer was not there when it began. */
  of({ id, attempt }: Pick<TaskRecord, 'id' | 'attempt'>): number | undefined {
    const known = this.#known.get(id)
    return known?.attempt === attempt ? known.expectedMs : undefined
  }
}
