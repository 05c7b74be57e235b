import { toCaresError } from '../../model/errors.ts'
import type { Term } from '../../model/ids.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { Logger } from '../../model/ports/logger.ts'
import type { TaskStore } from '../../model/ports/task-store.ts'
import type { TaskRecord } from '../../model/task.ts'

/** Between two tries. */
const AGAIN_MS = 1_000

/** The tasks that an orchestrator begins with. Tries until it can: a database may be away for a while. Nothing, when the term ends first. */
export async function readOpen(
  { store, clock, log }: { store: TaskStore; clock: Clock; log: Logger },
  { term, signal }: { term: Term; signal: AbortSignal }
): Promise<readonly TaskRecord[]> {
  while (!signal.aborted) {
    try {
      return await store.open({ term })
    } catch (err) {
      if (toCaresError(err).code === 'stale') return []
      log.warn({ code: toCaresError(err).code }, 'the tasks cannot be taken over yet')
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {}) // The loop ends by itself.
    }
  }
  return []
}
