import { Pool } from 'undici'
import { CaresError } from '../model/errors.ts'
import type { FunctionRecord } from '../model/function.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { ServiceRun } from '../model/ports/runtime.ts'
import { formatDurationMs } from '../model/units.ts'
import { untilAborted } from '../model/until-aborted.ts'
import type { Driver, Instance, ServerInstance } from './driver.ts'
import { exitError } from './exit-error.ts'
import { Tail } from './log-lines.ts'
import { answers, endedEarly, untilReady } from './ready.ts'
import type { Reservation } from './resources.ts'
import { functionEnv } from './stdio-env.ts'

/** Between two looks at a service: one that does not answer any more is noticed soon, and a look costs it next to nothing. */
const LOOK_EVERY_MS = 5_000
/** Longest one look may take. */
const LOOK_MS_MAX = 2_000
/** Looks in a row that may fail before the program is ended: a pause for garbage or a checkpoint is no reason yet. */
const MISSES_MAX = 3

/** What {@link runService} needs around it. */
export interface ServiceRunComponents {
  readonly driver: Pick<Driver, 'startStdio' | 'startServer'>
  readonly clock: Clock
  /** How long it may take until it is healthy, in milliseconds. */
  readonly readyTimeoutMs: number
  /** Takes room for the whole run. Throws `busy`. */
  readonly reserve: () => Promise<Reservation>
  /** The program was started: its output is to be read. */
  readonly onInstance: (instance: Instance) => void
}

/** Runs the program of a service until it ends, or `signal` says so. See `Runtime.serve`. */
export async function runService(
  fn: FunctionRecord,
  { task, onHealth }: ServiceRun,
  { driver, clock, readyTimeoutMs, reserve, onInstance }: ServiceRunComponents,
  { signal }: { signal: AbortSignal }
): Promise<never> {
  const reservation = await reserve()
  const over = new AbortController()
  const within = { signal: AbortSignal.any([signal, over.signal]) }
  const tail = new Tail()
  const stderr = (): string => tail.text()
  let instance: Instance | undefined
  let client: Pool | undefined
  try {
    const options = { signal, gpuIds: reservation.gpuIds, task }
    const server = fn.contract === 'http' ? await driver.startServer(fn, options) : undefined
    instance = server ?? (await startWithoutPort(driver, fn, options))
    instance.stderr.on('data', (chunk: Buffer) => tail.write(chunk))
    onInstance(instance)
    let sick: Promise<never> | undefined
    if (server !== undefined) {
      if (server.host === '') throw endedEarly(fn, await instance.exited, stderr())
      client = new Pool(addressOf(server), { connections: 1 })
      await untilReady({ instance: server, client, fn, clock }, { deadlineMs: readyTimeoutMs, stderr, onUp: () => {}, ...within })
      sick = fn.readyPath === undefined ? undefined : untilSick({ client, path: fn.readyPath, name: fn.name, clock, onHealth }, within)
      sick?.catch(() => {}) // Of one that ends by itself nobody asks any more.
    }
    onHealth('healthy', server === undefined ? undefined : { host: server.host, port: server.port })
    const exit = await untilAborted(sick === undefined ? instance.exited : Promise.race([instance.exited, sick]), signal)
    throw exitError(fn, exit, stderr(), { code: 'function_failed', memoryHint: 'give the service more memory' })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    over.abort(new CaresError('cancelled', 'the program of the service has ended'))
    // Not before it is gone: whoever is told of its end may have it run elsewhere.
    await instance?.dispose()
    reservation.release()
    await client?.destroy()
  }
}

async function startWithoutPort(
  driver: ServiceRunComponents['driver'],
  fn: FunctionRecord,
  options: Parameters<Driver['startStdio']>[2]
): Promise<Instance> {
  const instance = await driver.startStdio(fn, functionEnv(fn), options)
  instance.stdin.end()
  return instance
}

/** Asks how it is, as long as the signal lasts. Rejects when it has failed to answer well too often. */
async function untilSick(
  { client, path, name, clock, onHealth }: { client: Pool; path: string; name: string; clock: Clock; onHealth: ServiceRun['onHealth'] },
  { signal }: { signal: AbortSignal }
): Promise<never> {
  for (let misses = 0; ; ) {
    await clock.sleep(LOOK_EVERY_MS, { signal })
    const isWell = await answers(client, path, AbortSignal.any([signal, clock.timeout(LOOK_MS_MAX)]))
    signal.throwIfAborted()
    if (isWell && misses > 0) onHealth('healthy')
    if (!isWell && misses === 0) onHealth('unhealthy')
    misses = isWell ? 0 : misses + 1
    if (misses < MISSES_MAX) continue
    const message = `${name} was ended: ${path} has not answered well ${MISSES_MAX} times, every ${formatDurationMs(LOOK_EVERY_MS)}`
    throw new CaresError('function_failed', message)
  }
}

function addressOf({ host, port }: ServerInstance): string {
  return `http://${host}:${port}`
}
