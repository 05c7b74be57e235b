import type { Duplex } from 'node:stream'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import type Docker from 'dockerode'
import { type CaresError, toCaresError } from '../model/errors.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import {
  type CgroupLayout,
  type CgroupReader,
  SAMPLE_MS,
  cgroupProcess,
  cgroupProcesses,
  cgroupReader,
  cgroupThreads,
  listeningPort,
  ownAddress
} from './cgroup-usage.ts'
import type { Containerd } from './containerd.ts'
import { engineUnavailable, startFailed, statusOf } from './docker-errors.ts'
import { isDeaf } from './deaf.ts'
import { demultiplex } from './docker-stream.ts'
import { closeWhenOver, type EndMark } from './end-mark.ts'
import type { Exit, Measured, ServerHealth, ServerInstance, StdioInstance } from './driver.ts'
import { within } from './within.ts'

/** From SIGTERM to SIGKILL: an abort is to be over within a second, and the engine takes up to half of that. */
const STOP_GRACE_MS = 300

/** Tries to remove a container before it is left to `prune`, and the pause before the first, which doubles: some 6 s in all. */
const REMOVE_ATTEMPTS_MAX = 6
const REMOVE_PAUSE_MS = 100

/** How long an engine may take to tear a container down that has ended; then it is removed by force. It takes some 30 ms. */
const TEAR_DOWN_MS = 2_000

/** A container that ended by SIGKILL with this much of its limit used was killed for it, also where the engine does not say so (cgroup v2). */
const OOM_RATIO = 0.98

/** Exit code of a program that SIGKILL ended: 128 + 9. */
const SIGKILL_EXIT_CODE = 137

/** What a container is made with. */
export interface ContainerComponents {
  readonly engine: Docker
  /** Where the engine answers, for the text of errors. */
  readonly host: string
  readonly cgroups: CgroupLayout
  /** A container could not be removed: a sweep is to find it. */
  readonly onLeft: () => void
  readonly clock: Clock
  readonly log: Logger
}

/** What a good end is known by before the engine tells: that the first process exited with 0, and where its output ends. */
export interface EarlyEnd {
  readonly containerd: Pick<Containerd, 'exitStatus'>
  readonly mark: EndMark
}

/** What is known of a container when it is started. */
export interface ContainerInit {
  /** See `Instance`. */
  readonly pullMs: number
  /** Its limit: an end by SIGKILL at about so much is taken for want of memory. */
  readonly memoryBytes: number
  /** Whether to measure all the time, for a program whose end is not known ahead. */
  readonly isSampled: boolean
  /** Settles when it was started, or could not be. */
  readonly started: Promise<void>
  /** Tells of a good end before the engine does. Absent: only the engine tells. */
  readonly early?: EarlyEnd | undefined
  /** See `ServerInstance`. */
  readonly health?: ServerHealth | undefined
  /** It is gone, or was given up on. */
  readonly onRemoved: () => void
  /** From SIGTERM to SIGKILL, in milliseconds. @default 300 */
  readonly stopGraceMs?: number | undefined
}

/** One started container. */
export class DockerContainer implements StdioInstance, ServerInstance {
  readonly id: string
  readonly pullMs: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly exited: Promise<Exit>
  readonly health: ServerHealth | undefined
  host = ''
  port = 0
  readonly #container: Docker.Container
  readonly #components: ContainerComponents
  readonly #cgroup: CgroupReader
  readonly #onRemoved: () => void
  readonly #stopGraceMs: number
  /** When the engine says so, too. */
  readonly #ended: Promise<Exit>
  #measured: Measured = {}
  #sampling: Disposable | undefined
  #hasExited = false
  #disposed: Promise<void> | undefined

  constructor(container: Docker.Container, streams: Streams, init: ContainerInit, components: ContainerComponents) {
    this.id = container.id
    this.pullMs = init.pullMs
    this.health = init.health
    this.stdin = streams.stdin
    this.stdout = init.early?.mark.before(streams.stdout) ?? streams.stdout
    this.stderr = streams.stderr
    this.#container = container
    this.#onRemoved = init.onRemoved
    this.#stopGraceMs = init.stopGraceMs ?? STOP_GRACE_MS
    this.#components = components
    this.#cgroup = cgroupReader(components.cgroups, container.id)
    // From before the start: a short program may have ended when the engine says that it was started.
    if (init.isSampled) this.#sampling = components.clock.every(SAMPLE_MS, () => void this.measure())
    this.#ended = this.#untilEngineTells(init)
    this.exited = init.early === undefined ? this.#ended : Promise.race([this.#ended, this.#untilGoodEnd(init.early, init.started)])
  }

  measure(): Measured {
    this.#measured = (this.#hasExited ? undefined : this.#cgroup.read()) ?? this.#measured
    return this.#measured
  }

  listeningPort(): number | undefined {
    const pid = cgroupProcess(this.#components.cgroups, this.id)
    return pid === undefined ? undefined : listeningPort(pid)
  }

  /** Its address, where this peer sees its processes: the kernel tells it in microseconds, the engine in milliseconds. */
  address(): string | undefined {
    const pid = cgroupProcess(this.#components.cgroups, this.id)
    return pid === undefined ? undefined : ownAddress(pid)
  }

  threads(): readonly number[] {
    return this.#hasExited ? [] : cgroupThreads(this.#components.cgroups, this.id)
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#stopAndRemove()
    return this.#disposed
  }

  /**
   * Whatever went wrong is for the engine to tell: it knows of memory and of the end of stderr. With the first process the kernel ends all others of
   * the container, so nothing is written after the mark.
   */
  async #untilGoodEnd({ containerd, mark }: EarlyEnd, started: Promise<void>): Promise<Exit> {
    try {
      await started
    } catch {
      return this.#ended
    }
    const pid = this.#hasExited ? undefined : cgroupProcess(this.#components.cgroups, this.id)
    if (pid === undefined) return this.#ended
    mark.open(pid)
    using _ = closeWhenOver(mark, () => cgroupProcess(this.#components.cgroups, this.id) === undefined, this.#components.clock)
    if ((await containerd.exitStatus(this.id)) !== 0 || this.#hasExited) {
      // At once: the engine waits for the end of the pipe before it tells anything.
      mark.close()
      return this.#ended
    }
    this.measure()
    this.#close()
    mark.write()
    return { exitCode: 0, outOfMemory: false }
  }

  async #untilEngineTells({ started, memoryBytes, early }: ContainerInit): Promise<Exit> {
    try {
      await started
      const { StatusCode: exitCode } = (await this.#container.wait()) as { StatusCode: number }
      this.measure()
      if (exitCode === 0 || this.#disposed !== undefined) return { exitCode, outOfMemory: false }
      const { State } = await this.#container.inspect()
      const isAtLimit = (this.#measured.memoryPeakBytes ?? 0) >= memoryBytes * OOM_RATIO
      return { exitCode, outOfMemory: State.OOMKilled || (exitCode === SIGKILL_EXIT_CODE && isAtLimit) }
    } catch (error) {
      const isOurs = this.#disposed !== undefined && statusOf(error) === 404
      return { exitCode: SIGKILL_EXIT_CODE, outOfMemory: false, lost: isOurs ? undefined : engineUnavailable(error, this.#components.host) }
    } finally {
      this.#close()
      early?.mark.close()
    }
  }

  #close(): void {
    this.#hasExited = true
    this.#cgroup.close()
    this.#sampling?.[Symbol.dispose]()
    // The engine does not close an input connection at the program's end, only when something is sent on it.
    this.stdin.destroy()
  }

  async #stopAndRemove(): Promise<void> {
    const { clock, cgroups } = this.#components
    // One that would not hear it is not asked to end: its removal by force follows at once.
    if (!this.#hasExited && !isDeaf(cgroupProcesses(cgroups, this.id))) {
      // Whatever goes wrong with the polite way, removal by force follows.
      await this.#container.kill({ signal: 'SIGTERM' }).catch(() => {})
      await within(this.exited, this.#stopGraceMs, clock)
    }
    // What has ended early is still being torn down, and its last lines are on their way.
    if (this.#hasExited) await within(this.#ended, TEAR_DOWN_MS, clock)
    await removeContainer(this.#container, this.#components)
    this.#onRemoved()
  }
}

/** The standard streams of a container, from before its start. */
export interface Streams {
  /** Closes the connections behind them: the engine keeps those of a container that never started open for ever. */
  close(): void
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

/**
 * Attaches to a container that is not started yet. Input and output have a connection each: a program that ends without reading its input breaks
 * the first, and must not take the second with it.
 */
export async function attachStreams(container: Docker.Container, { withStdin }: { withStdin: boolean }): Promise<Streams> {
  const [output, input] = (await Promise.all([
    container.attach({ stream: true, stdout: true, stderr: true, hijack: true }),
    withStdin ? container.attach({ stream: true, stdin: true, hijack: true }) : undefined
  ])) as [Duplex, Duplex | undefined]
  const stdin = input ?? new PassThrough()
  // The engine sends nothing back here, but its end must be read to be noticed; its errors mean that the program does not read any more.
  stdin.resume()
  stdin.on('error', () => {})
  const close = (): void => {
    output.destroy()
    stdin.destroy()
  }
  return { stdin, close, ...demultiplex(output) }
}

/** Starts it, or removes it again: throws what was wrong with the image or the engine, or the signal's reason. */
export async function startOrRemove(
  container: Docker.Container,
  { image, signal, start, onRemoved }: { image: string; signal: AbortSignal; start: () => Promise<DockerContainer>; onRemoved: () => void },
  components: ContainerComponents
): Promise<DockerContainer> {
  try {
    signal.throwIfAborted()
    const started = await start()
    if (!signal.aborted) return started
    await started.dispose()
    throw toCaresError(signal.reason)
  } catch (error) {
    await removeContainer(container, components)
    onRemoved()
    throw asStartError(error, image, components.host)
  }
}

function asStartError(error: unknown, image: string, host: string): CaresError {
  return error instanceof Error && error.name === 'CaresError' ? (error as CaresError) : startFailed(error, image, host)
}

/** Removes a container, running or not, trying again for a while, unless the engine is away. Never rejects. */
async function removeContainer(container: Docker.Container, { onLeft, clock, log }: ContainerComponents): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS_MAX; attempt++) {
    try {
      await container.remove({ force: true, v: true })
      return
    } catch (err) {
      // 404: it is gone. 409: someone else is removing it at this moment.
      if (statusOf(err) === 404 || statusOf(err) === 409) return
      log.debug({ err, container: container.id, attempt }, 'container not removed yet')
      // Nobody answered: how long that lasts is unknown, and a peer that stops is not to wait for it.
      if (statusOf(err) === undefined) break
      await clock.sleep(REMOVE_PAUSE_MS * 2 ** attempt)
    }
  }
  log.warn({ container: container.id }, 'container not removed yet; it will be when the engine answers')
  onLeft()
}
