import { CaresError, isErrorCode } from '../../model/errors.ts'
import type { TaskItem } from '../../model/rest-tasks.ts'
import type { Clock } from '../../model/ports/clock.ts'
import type { CaresClient } from '../client.ts'
import type { CommandContext, Result } from './command.ts'
import { staleText } from './notes.ts'
import { write } from './output.ts'

/** One request waits so long: shorter than proxies cut idle connections. */
const WAIT_MS = 30_000
/** How often a service that does not become healthy is looked at, to tell why. */
const LOOK_MS = 2_000
/** Between two tries while the peer that is asked does not answer: it may be starting again. */
const AGAIN_MS = 1_000
/** Between two looks at a service that is said to be healthy by a peer which hears no orchestrator: it cannot be waited for there. */
const STALE_MS = 1_000
/** A peer that does not answer for so long is given up; the task goes on without anyone waiting. */
const PATIENCE_MS = 60_000

/** Whether nothing more will happen to a task. */
function isOver({ state }: Pick<TaskItem, 'state'>): boolean {
  return state !== 'queued' && state !== 'running'
}

/**
 * Waits until a task is over, or is a service that is healthy, however long that takes, through a peer that is gone for a moment. What a service was before
 * the orchestrator fell silent does not count: its worker may be gone. Throws `timeout` when `timeoutMs` come first.
 */
export async function awaitTask(
  id: string,
  { client, clock, signal, timeoutMs }: { client: CaresClient; clock: Clock; signal: AbortSignal; timeoutMs?: number | undefined }
): Promise<TaskItem> {
  const startedMs = clock.nowMs()
  const leftMs = (): number => (timeoutMs === undefined ? WAIT_MS : timeoutMs - (clock.nowMs() - startedMs))
  let silentSinceMs: number | undefined
  for (;;) {
    const waitMs = Math.max(0, Math.min(WAIT_MS, leftMs()))
    try {
      const { task, staleMs } = await client.taskAsOf(id, { waitMs, signal })
      silentSinceMs = undefined
      if (isOver(task) || (isHealthy(task) && staleMs === 0)) return task
      const mayAsk = isHealthy(task) && leftMs() > 0
      if (waitMs < WAIT_MS && !mayAsk) {
        const asOf = staleMs === 0 ? '' : `, ${staleText(staleMs)}`
        throw new CaresError('timeout', `task ${id} is still ${task.state}${asOf}`, { hint: `it goes on; cares wait ${id}` })
      }
      if (mayAsk) await clock.sleep(Math.min(STALE_MS, leftMs()), { signal })
    } catch (err) {
      const isAway = err instanceof CaresError && (err.code === 'peer_unreachable' || err.code === 'stopping')
      silentSinceMs ??= clock.nowMs()
      if (!isAway || signal.aborted || clock.nowMs() - silentSinceMs > PATIENCE_MS || leftMs() <= 0) throw err
      await clock.sleep(AGAIN_MS, { signal })
    }
  }
}

/** Waits until a service is healthy or over. `onFailure`: told why its program has ended, each time that it does. */
export async function awaitService(
  id: string,
  { client, clock, signal }: { client: CaresClient; clock: Clock; signal: AbortSignal },
  onFailure: (message: string) => void
): Promise<TaskItem> {
  let told = 0
  for (;;) {
    const now = await awaitTask(id, { client, clock, signal, timeoutMs: LOOK_MS }).catch((err: unknown) => {
      if (!(err instanceof CaresError) || err.code !== 'timeout') throw err
    })
    const task = now ?? (await client.task(id, { signal }))
    const ended = task.attempts.filter(({ attempt, failure }) => attempt > told && failure !== null)
    for (const { failure } of ended) onFailure(failure?.message ?? '')
    told = ended.at(-1)?.attempt ?? told
    if (now !== undefined) return now
  }
}

/** Whether whoever waits for a task, which is a service, need not wait any longer. */
export function isHealthy({ service }: Pick<TaskItem, 'service'>): boolean {
  return service?.health === 'healthy'
}

/** Writes what a task that has succeeded wrote to stdout. */
export async function printTaskOutput(
  id: string,
  { client, terminal, signal }: Pick<CommandContext<never>, 'client' | 'terminal' | 'signal'>
): Promise<Result> {
  for await (const chunk of (await client.taskResult(id, { signal })).body) await write(terminal.stdout, chunk)
  return { kind: 'written' }
}

/** What a task that did not succeed has to say for itself. */
export function taskError({ id, name, state, error }: TaskItem): CaresError {
  if (state === 'cancelled') return new CaresError('cancelled', `task ${name} (${id}) was cancelled`)
  const code = error !== null && isErrorCode(error.code) ? error.code : 'internal'
  return new CaresError(code, `task ${name} (${id}) has failed for good: ${error?.message ?? 'nobody says why'}`, {
    hint: code === 'timeout' ? `cares run … --timeout DURATION   (gives each attempt more time)` : `cares tasks ${id}   cares logs ${id}`,
    details: {
      task: id,
      ...(error?.exitCode === undefined ? {} : { exitCode: error.exitCode }),
      ...(error?.stderr === undefined ? {} : { stderr: error.stderr })
    }
  })
}
