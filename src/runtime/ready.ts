import { connect } from 'node:net'
import type { Pool } from 'undici'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Clock } from '../model/ports/clock.ts'
import { formatDurationMs } from '../model/units.ts'
import type { Exit, ServerInstance } from './driver.ts'
import { exitError } from './exit-error.ts'

/**
 * Between two looks at a server that is not ready: short at first, since that wait is part of every cold start, and growing by half each time
 * to the maximum, since a program that takes long is not noticed later by much.
 */
const POLL_MS_MIN = 2
const POLL_MS_MAX = 100

/** The same for a look by the image's own check, which starts a program in the container: some 50 ms of work for the engine. */
const CHECK_MS_MIN = 100
const CHECK_MS_MAX = 1_000

/** How long one look may take: a server that is up but slower than this for its own ready path is not ready. */
const LOOK_MS_MAX = 2_000

/**
 * Resolves when the server is ready: its `readyPath` answers below 400, or, without one, its port accepts and the check passes that its image brings
 * along, if any. Throws `function_protocol` when the program ends before, or `deadlineMs` have passed, and the time that the image says it takes.
 */
export async function untilReady(
  { instance, client, fn, clock }: { instance: ServerInstance; client: Pool; fn: FunctionRecord; clock: Clock },
  { deadlineMs, stderr, onUp, signal }: { deadlineMs: number; stderr: () => string; onUp: () => void; signal: AbortSignal }
): Promise<void> {
  let exit: Exit | undefined
  void instance.exited.then(value => {
    exit = value
  })
  const { health } = instance
  const patienceMs = Math.max(deadlineMs, health?.startPeriodMs ?? 0)
  const giveUpMs = clock.nowMs() + patienceMs
  for (let pauseMs = POLL_MS_MIN, pauseMsMax = POLL_MS_MAX; ; pauseMs = Math.min(pauseMsMax, pauseMs * 1.5)) {
    signal.throwIfAborted()
    const look = AbortSignal.any([signal, clock.timeout(LOOK_MS_MAX)])
    const isUp = fn.readyPath === undefined ? await accepts(instance, look) : await answers(client, fn.readyPath, look)
    if (isUp && (health === undefined || (await health.passes({ signal })))) return
    if (exit !== undefined) throw endedEarly(fn, exit, stderr())
    if (clock.nowMs() >= giveUpMs) throw notReady(fn, { port: instance.port, waitedMs: patienceMs, isUp, stderr: stderr() })
    if (isUp) {
      onUp()
      pauseMs = Math.max(CHECK_MS_MIN, pauseMs)
      pauseMsMax = CHECK_MS_MAX
    }
    await clock.sleep(pauseMs, { signal })
  }
}

/** What a caller is told whose container did not even start in its time. */
export function notStarted(fn: FunctionRecord, waitedMs: number): CaresError {
  const message = `the container of ${fn.name} has not started within ${formatDurationMs(waitedMs)}: its image is still on its way, or the engine is busy`
  return new CaresError('timeout', message, { retryable: true, hint: 'try again: what has begun goes on without this call' })
}

/** What a caller is told whose program did not come up; `isUp`: its port does accept. */
export function notReady(
  fn: FunctionRecord,
  { port, waitedMs, isUp, stderr }: { port: number; waitedMs: number; isUp: boolean; stderr: string }
): CaresError {
  const what = isUp
    ? `the HEALTHCHECK of its image did not pass`
    : fn.readyPath === undefined
      ? `nothing accepted connections on port ${port}`
      : `${fn.readyPath} on port ${port} did not answer`
  return new CaresError('function_protocol', `${fn.name} was not ready: ${what} within ${formatDurationMs(waitedMs)}`, {
    hint: isUp
      ? 'see what the check says (docker inspect), or upload it with --ready PATH, which counts instead'
      : 'have the program listen on 0.0.0.0 at $PORT, or upload it with its --port, or with --contract stdio',
    details: { port, stderr }
  })
}

/** What a caller is told whose program ended before it was ready. */
export function endedEarly(fn: FunctionRecord, exit: Exit, stderr: string): CaresError {
  const hint = 'an http function goes on serving on $PORT; a program that reads stdin and exits needs --contract stdio'
  return exitError(fn, exit, stderr, { code: 'function_protocol', during: ' before it served on its port', hint })
}

async function accepts({ host, port }: ServerInstance, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, signal })
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  const accepted = await promise
  socket.destroy()
  return accepted
}

/** Whether a server answers a path below 400. Never rejects. */
export async function answers(client: Pool, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await client.request({ method: 'GET', path, signal })
    await response.body.dump()
    return response.statusCode < 400
  } catch {
    // Not there yet, or not yet well: the caller decides how long that may go on.
    return false
  }
}
