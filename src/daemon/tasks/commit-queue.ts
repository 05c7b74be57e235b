import { versionOfCommand } from '../../core/registry/command-version.ts'
import { toCaresError } from '../../model/errors.ts'
import type { TaskChange, TaskOutcome } from '../../model/task.ts'
import { untilAborted } from '../../model/until-aborted.ts'

/** Most changes in one command. A commit takes milliseconds whatever its size, so more would only make it larger. */
const CHANGES_MAX = 512
/** A command has at most 1 MiB; twice what one change with an inline payload and all the environment it may have takes, left free. */
const BYTES_MAX = 786_432

interface Waiting {
  readonly changes: readonly TaskChange[]
  readonly bytes: number
  /** The command version that a peer must read to read them. */
  readonly version: number
  readonly settle: PromiseWithResolvers<readonly TaskOutcome[]>
}

/** Has changes that are asked for at about the same time agreed together: one command, one fsync and one message for all of them. */
export class CommitQueue {
  readonly #agree: (changes: readonly TaskChange[]) => Promise<readonly TaskOutcome[]>
  #waiting: Waiting[] = []
  #busy = false

  /** `agree` resolves with one outcome for each change. */
  constructor(agree: (changes: readonly TaskChange[]) => Promise<readonly TaskOutcome[]>) {
    this.#agree = agree
  }

  async add(changes: readonly TaskChange[], { signal }: { signal: AbortSignal }): Promise<readonly TaskOutcome[]> {
    if (changes.length === 0) return []
    const settle = Promise.withResolvers<readonly TaskOutcome[]>()
    const bytes = changes.reduce((sum, change) => sum + sizeOf(change), 0)
    this.#waiting.push({ changes, bytes, version: versionOfCommand({ type: 'tasks', changes }), settle })
    if (!this.#busy) void this.#flush()
    return untilAborted(settle.promise, signal)
  }

  async #flush(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      try {
        const outcomes = await this.#agree(batch.flatMap(({ changes }) => changes))
        let at = 0
        for (const { changes, settle } of batch) settle.resolve(outcomes.slice(at, (at += changes.length)))
      } catch (err) {
        for (const { settle } of batch) {
          settle.promise.catch(() => {}) // Whoever waited may have gone.
          settle.reject(toCaresError(err))
        }
      }
    }
    this.#busy = false
  }

  #take(): readonly Waiting[] {
    let [count, bytes, end] = [0, 0, 0]
    for (const waiting of this.#waiting) {
      count += waiting.changes.length
      bytes += waiting.bytes
      // What a member cannot read yet is refused: nothing else may be refused with it.
      if (end > 0 && (count > CHANGES_MAX || bytes > BYTES_MAX || waiting.version !== this.#waiting[0]?.version)) break
      end++
    }
    return this.#waiting.splice(0, end)
  }
}

/** About how long a change is as JSON: exactly enough to keep commands well below what they may have. */
function sizeOf(change: TaskChange): number {
  if (change.type === 'submit') return 1_024 + (change.input?.inline?.length ?? 0) + JSON.stringify(change.spec).length
  if (change.type === 'complete') return 512 + (change.result.output.inline?.length ?? 0)
  return change.type === 'fail' ? 512 + change.failure.message.length + 2 * (change.failure.stderr?.length ?? 0) : 256
}
