import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import { statusOf } from './docker-errors.ts'
import { LABEL } from './docker-labels.ts'
import type { ServerHealth } from './driver.ts'
import { readLines } from './log-lines.ts'

/** A HEALTHCHECK, as the engine would run it. */
export interface HealthCommand {
  readonly command: readonly string[]
  /** How long one run may take. */
  readonly timeoutMs: number
  /** How long the program may take to start before a failure counts. */
  readonly startPeriodMs: number
}

/** The part of an image's configuration that tells; times are in nanoseconds, and 0 is the default. */
export interface HealthConfig {
  readonly Healthcheck?: { readonly Test?: readonly string[]; readonly Timeout?: number; readonly StartPeriod?: number } | null
  readonly Shell?: readonly string[] | null
}

/** As in the Dockerfile reference: a run that takes longer has failed. */
const TIMEOUT_MS_DEFAULT = 30_000

/** Linux' own, where an image does not name another with SHELL. */
const SHELL_DEFAULT: readonly string[] = ['/bin/sh', '-c']

/** Between the end of one look-out for events and the next: an engine that restarts takes some seconds. */
const LISTEN_AGAIN_MS = 1_000

/** The HEALTHCHECK of an image; undefined where it has none. */
export function healthCommand({ Healthcheck, Shell }: HealthConfig): HealthCommand | undefined {
  const { Test = [], Timeout = 0, StartPeriod = 0 } = Healthcheck ?? {}
  const [kind, ...words] = Test
  if ((kind !== 'CMD' && kind !== 'CMD-SHELL') || words.length === 0) return undefined
  const shell = Shell === undefined || Shell === null || Shell.length === 0 ? SHELL_DEFAULT : Shell
  return {
    command: kind === 'CMD' ? words : [...shell, ...words],
    timeoutMs: Timeout > 0 ? Timeout / 1e6 : TIMEOUT_MS_DEFAULT,
    startPeriodMs: StartPeriod / 1e6
  }
}

/** Whether a program that runs in the container exits with 0. */
async function passes(container: Docker.Container, command: readonly string[], signal: AbortSignal): Promise<boolean> {
  try {
    const exec = await container.exec({ Cmd: [...command], AttachStdout: true, abortSignal: signal })
    const output = (await exec.start({ abortSignal: signal })) as Readable
    output.resume()
    await once(output, 'end', { signal })
    const { ExitCode } = await exec.inspect({ abortSignal: signal })
    return ExitCode === 0
  } catch {
    // It took too long, or the container has just ended: its end is told elsewhere, and it is not well either way.
    return false
  }
}

/**
 * The health of containers whose image has a HEALTHCHECK of its own. When a container has been started, the check is run again and again until it
 * passes: the engine itself would wait a whole interval, mostly 30 s, before it looks for the first time. From then on the engine runs it, by the
 * image's interval, timeout and retries, and tells by an event when it calls a container unhealthy.
 */
export class DockerHealth {
  readonly #engine: Docker
  readonly #peer: string
  readonly #clock: Clock
  readonly #log: Logger
  readonly #watched = new Map<string, () => void>()
  readonly #stopping = new AbortController()
  #listening: Promise<void> | undefined

  /** `peer`: on whose containers' events it listens. */
  constructor(engine: Docker, peer: string, { clock, log }: { clock: Clock; log: Logger }) {
    this.#engine = engine
    this.#peer = peer
    this.#clock = clock
    this.#log = log
  }

  /** The health of a container, until {@link forget}. */
  of(container: Docker.Container, { command, timeoutMs, startPeriodMs }: HealthCommand): ServerHealth {
    return {
      startPeriodMs,
      onUnhealthy: listener => {
        this.#watched.set(container.id, listener)
        this.#listening ??= this.#listen()
      },
      passes: async ({ signal }) => passes(container, command, AbortSignal.any([signal, this.#clock.timeout(timeoutMs)]))
    }
  }

  /** It is gone. */
  forget(container: string): void {
    this.#watched.delete(container)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#listening
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopping
    const label = [`${LABEL.peer}=${this.#peer}`]
    while (!signal.aborted) {
      try {
        // As text: the types of dockerode know of neither these filters nor the signal, nor what comes back.
        const filters = JSON.stringify({ type: ['container'], event: ['health_status'], label })
        const events = (await (this.#engine.getEvents({ filters, abortSignal: signal } as object) as unknown)) as Readable
        readLines(events, line => this.#onEvent(line))
        const ended = once(events, 'close', { signal })
        // What was told while nobody listened.
        const unhealthy = await this.#engine.listContainers({ filters: { label, health: ['unhealthy'] }, abortSignal: signal })
        for (const { Id } of unhealthy) this.#onUnhealthy(Id)
        await ended
      } catch (err) {
        if (!signal.aborted) this.#log.debug({ err, status: statusOf(err) }, 'health of containers is not heard of')
      }
      await this.#clock.sleep(LISTEN_AGAIN_MS, { signal }).catch(() => {}) // The loop looks at the signal.
    }
  }

  #onEvent(line: string): void {
    if (line === '') return
    const { id, status } = JSON.parse(line) as { id?: string; status?: string }
    if (id !== undefined && status?.endsWith('unhealthy') === true) this.#onUnhealthy(id)
  }

  #onUnhealthy(container: string): void {
    const tell = this.#watched.get(container)
    if (tell === undefined || !this.#watched.delete(container)) return
    this.#log.warn({ container }, 'container is unhealthy by its own check: it is replaced')
    tell()
  }
}
