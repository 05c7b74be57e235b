import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { TaskChange } from '../../model/task.ts'

/** How long what is over is remembered. */
const RETENTION_MS = 7 * 86_400_000

/** How often it is looked at. */
const EXPIRE_EVERY_MS = 3_600_000

export interface TaskRetentionComponents {
  readonly store: Pick<TaskStore, 'list'>
  readonly clock: Pick<Clock, 'nowMs' | 'timestamp' | 'every'>
  readonly log: Logger
  /** Resolves when they are agreed. */
  readonly commit: (changes: readonly TaskChange[]) => Promise<unknown>
}

/**
 * Forgets what was over long ago, during one term of its orchestrator. A machine's clock may be wrong, or jump: so it is never taken to be later than the
 * newest task was submitted, as its gateway says, when the term began, and as much later as this peer has counted since. What is wrong by that is kept longer.
 * Only who accepted that very task may be as wrong.
 */
export class TaskRetention {
  readonly #components: TaskRetentionComponents
  #timer: Disposable | undefined
  #known: { readonly atMs: number; readonly readMs: number } | undefined

  constructor(components: TaskRetentionComponents) {
    this.#components = components
  }

  /** Takes down what time it is by the tasks, before the orchestrator has put any down itself, and looks from time to time. */
  async start(): Promise<void> {
    this.#timer = this.#components.clock.every(EXPIRE_EVERY_MS, () => this.#look())
    await this.#tried(async () => this.#begin())
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]()
  }

  async #look(): Promise<void> {
    const { clock, commit } = this.#components
    await this.#tried(async () => {
      const { atMs, readMs } = await this.#begin()
      const at = clock.timestamp()
      const latestMs = atMs + clock.nowMs() - readMs
      await commit([{ type: 'expire', before: new Date(Math.min(Date.parse(at), latestMs) - RETENTION_MS).toISOString(), at }])
    })
  }

  async #begin(): Promise<{ readonly atMs: number; readonly readMs: number }> {
    const { store, clock } = this.#components
    const readMs = clock.nowMs()
    // Where there is none, whatever ends will have its time from this clock.
    return (this.#known ??= { atMs: Date.parse((await store.list({ limit: 1 })).items[0]?.submittedAt ?? clock.timestamp()), readMs })
  }

  async #tried(work: () => Promise<unknown>): Promise<void> {
    // The next look comes.
    await work().catch((err: unknown) => this.#components.log.info({ err }, 'old tasks not forgotten yet'))
  }
}
