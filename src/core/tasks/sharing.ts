import type { TaskAttempt, TaskChange, TaskRecord, TaskSpec } from '../../model/task.ts'

/**
 * Texts and specs that are remembered, each. Over it all are forgotten: those still in use come back with the next task that has them, and what
 * was shared stays shared.
 */
const REMEMBERED_MAX = 4_096

/**
 * Lets equal parts of tasks be one object. Tasks come as text, from the log, the disk or another peer, and each would have a copy of its own: of the
 * peer that took it, of the time, of a spec that thousands have. Shared, a task takes half the memory. Immutable parts, so nobody can tell.
 */
export class Sharing {
  readonly #texts = new Map<string, string>()
  readonly #specs = new Map<string, TaskSpec>()

  task(task: TaskRecord): TaskRecord {
    const { finishedAt } = task
    return {
      ...task,
      spec: this.#spec(task.spec),
      attempts: task.attempts.map(attempt => this.#attempt(attempt)),
      gateway: this.#text(task.gateway),
      submittedAt: this.#text(task.submittedAt),
      ...(finishedAt === undefined ? {} : { finishedAt: this.#text(finishedAt) })
    }
  }

  change(change: TaskChange): TaskChange {
    const at = this.#text(change.at)
    switch (change.type) {
      case 'submit':
        return { ...change, at, spec: this.#spec(change.spec), gateway: this.#text(change.gateway) }
      case 'assign':
        return { ...change, at, worker: this.#text(change.worker), session: this.#text(change.session) }
      default:
        return { ...change, at }
    }
  }

  #attempt(attempt: TaskAttempt): TaskAttempt {
    const { endedAt, healthAt } = attempt
    return {
      ...attempt,
      worker: this.#text(attempt.worker),
      session: this.#text(attempt.session),
      at: this.#text(attempt.at),
      ...(endedAt === undefined ? {} : { endedAt: this.#text(endedAt) }),
      ...(healthAt === undefined ? {} : { healthAt: this.#text(healthAt) })
    }
  }

  #spec(spec: TaskSpec): TaskSpec {
    return remembered(this.#specs, JSON.stringify(spec), spec)
  }

  #text<Text extends string>(text: Text): Text {
    return remembered(this.#texts as Map<string, Text>, text, text)
  }
}

function remembered<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  const before = known.get(key)
  if (before !== undefined) return before
  if (known.size >= REMEMBERED_MAX) known.clear()
  known.set(key, value)
  return value
}
