import type { CaresError } from '../../model/errors.ts'
import type { Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { BlobRef, TaskChange, TaskId, TaskOutcome, TaskRecord } from '../../model/task.ts'
import type { TaskCounts, TaskPage, TaskQuery } from '../../model/task-service.ts'
import { CommitQueue } from './commit-queue.ts'

/** Longest that a commit may take before whoever asked for it is told to try again. */
const COMMIT_TIMEOUT_MS = 10_000

/** A task store, whatever drives it, whose changes that are asked for at about the same time are committed together. */
export class GatheredTaskStore implements TaskStore {
  readonly #store: TaskStore
  readonly #clock: Clock
  readonly #refusal: (changes: readonly TaskChange[]) => CaresError | null
  readonly #everybodys: CommitQueue
  /** Of the newest term in which this peer led. */
  #own: { readonly term: Term; readonly queue: CommitQueue } | undefined

  /** `refusal`: why this peer may not make these changes now, if that is so. */
  constructor(
    store: TaskStore,
    { clock, refusal = () => null }: { clock: Clock; refusal?: (changes: readonly TaskChange[]) => CaresError | null }
  ) {
    this.#store = store
    this.#clock = clock
    this.#refusal = refusal
    this.#everybodys = this.#newQueue(undefined)
  }

  get kind(): TaskStore['kind'] {
    return this.#store.kind
  }

  get id(): TaskStore['id'] {
    return this.#store.id
  }

  async start(): Promise<void> {
    await this.#store.start()
  }

  async stop(): Promise<void> {
    await this.#store.stop()
  }

  async commit(
    changes: readonly TaskChange[],
    { term, signal }: { term?: Term | undefined; signal: AbortSignal }
  ): Promise<readonly TaskOutcome[]> {
    const refusal = this.#refusal(changes)
    if (refusal !== null) throw refusal
    return (term === undefined ? this.#everybodys : this.#queueOf(term)).add(changes, { signal })
  }

  async find(id: TaskId): Promise<TaskRecord | undefined> {
    return this.#store.find(id)
  }

  async match(text: string): Promise<readonly TaskRecord[]> {
    return this.#store.match(text)
  }

  async list(query: TaskQuery): Promise<TaskPage> {
    return this.#store.list(query)
  }

  async counts(): Promise<TaskCounts> {
    return this.#store.counts()
  }

  async open(options: { term: Term }): Promise<readonly TaskRecord[]> {
    return this.#store.open(options)
  }

  async published(): Promise<readonly TaskRecord[]> {
    return this.#store.published()
  }

  async blobs(): Promise<readonly BlobRef[]> {
    return this.#store.blobs()
  }

  onChange(listener: (task: TaskRecord) => void): void {
    this.#store.onChange(listener)
  }

  #queueOf(term: Term): CommitQueue {
    if (this.#own?.term === term) return this.#own.queue
    const queue = this.#newQueue(term)
    this.#own = { term, queue }
    return queue
  }

  #newQueue(term: Term | undefined): CommitQueue {
    return new CommitQueue(async changes => this.#store.commit(changes, { term, signal: this.#clock.timeout(COMMIT_TIMEOUT_MS) }))
  }
}
