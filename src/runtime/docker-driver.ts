import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type Docker from 'dockerode'
import { CaresError } from '../model/errors.ts'
import { type FunctionRecord, functionKey, type PullPolicy } from '../model/function.ts'
import type { Digest } from '../model/ids.ts'
import type { Clock } from '../model/ports/clock.ts'
import type { Logger } from '../model/ports/logger.ts'
import type { ImageInfo } from '../model/ports/runtime.ts'
import { dockerArch } from './arch.ts'
import type { CgroupLayout } from './cgroup-usage.ts'
import type { ContractWish } from './contract.ts'
import { findContainerd } from './containerd.ts'
import { attachStreams, type ContainerComponents, DockerContainer, type EarlyEnd, startOrRemove } from './docker-container.ts'
import { DOCKER_HOST_DEFAULT, dockerEngine, watchdogEngine } from './docker-engine.ts'
import { type DockerHost, engineUnavailable, statusOf } from './docker-errors.ts'
import { exportImage, importImage } from './docker-image-archive.ts'
import { DockerGpus } from './docker-gpus.ts'
import { DockerHealth, type HealthCommand } from './docker-health.ts'
import { DockerImages } from './docker-image.ts'
import { LABEL, type Owner } from './docker-labels.ts'
import { DockerNetworks } from './docker-network.ts'
import { containerOptions, type ContainerWish } from './docker-options.ts'
import { DockerRecipes } from './docker-recipes.ts'
import type { BringImage, Driver, Orphan, StartOptions } from './driver.ts'
import { untilAborted } from '../model/until-aborted.ts'
import { EndMark } from './end-mark.ts'
import { OrphanSweep } from './orphan-sweep.ts'
import { StartGate } from './start-gate.ts'
import { functionEnv } from './stdio-env.ts'
import { TaskWatchdog } from './task-watchdog.ts'

/** See `EndMark`. */
const MARK_BYTES = 32

/** How long clearing up after an earlier life may take before the peer starts without it. */
const CLEAR_TIMEOUT_MS = 15_000

/** Containers that are started at once, one for each core, but at least so many: more would wait in the engine rather than here, where they take turns. */
const STARTS_MIN = 2
/** Containers that wait to be started, some half a minute's worth: the call of a further one is better placed on another peer. */
const STARTS_WAITING_MAX = 256

/** What is known of the engine once it has answered. */
interface Engine {
  readonly version: string
  readonly arch: string
  readonly cpus: number
  readonly cgroups: CgroupLayout
}

/** The part of `docker info` that is used; dockerode does not type it. */
interface EngineInfo {
  /** Absent before API 1.41. */
  readonly CgroupVersion?: string
  readonly CgroupDriver: string
  readonly NCPU: number
}

export interface DockerDriverInit extends Owner {
  readonly dockerHost?: DockerHost | undefined
  /** See `RuntimeInit`. */
  readonly dockerConfig?: string | undefined
  /** See `RuntimeInit`. */
  readonly gpus?: readonly string[] | undefined
}

/** Runs functions in containers of a Docker engine. */
export function createDockerDriver(init: DockerDriverInit, components: { clock: Clock; log: Logger }): Driver {
  return new DockerDriver(init, components)
}

class DockerDriver implements Driver {
  readonly kind = 'docker'
  readonly #init: DockerDriverInit
  readonly #host: DockerHost
  readonly #client: Docker
  readonly #clock: Clock
  readonly #log: Logger
  readonly #images: DockerImages
  readonly #networks: DockerNetworks
  readonly #gpus: DockerGpus
  readonly #health: DockerHealth
  readonly #recipes: DockerRecipes
  readonly #watchdog: TaskWatchdog
  /** Containers of this life that are not removed yet: everything else with this peer's label is an orphan. */
  readonly #own = new Set<string>()
  readonly #containerd = findContainerd()
  readonly #starts = new StartGate({ startsMax: Math.max(STARTS_MIN, availableParallelism()), waitingMax: STARTS_WAITING_MAX })
  /** Names of containers that the engine may have made already, and that are not in `#own` yet. */
  readonly #creating = new Set<string>()
  readonly #sweep: OrphanSweep
  #engine: Promise<Engine> | undefined
  #arch = dockerArch(process.arch)

  constructor(init: DockerDriverInit, { clock, log }: { clock: Clock; log: Logger }) {
    this.#init = init
    this.#host = init.dockerHost ?? DOCKER_HOST_DEFAULT
    this.#client = dockerEngine(this.#host)
    this.#clock = clock
    this.#log = log
    this.#images = new DockerImages(this.#client, this.#host, init.dockerConfig)
    this.#networks = new DockerNetworks(this.#client, init, log)
    this.#gpus = new DockerGpus(this.#client, { owner: init, ids: init.gpus ?? [] }, { clock, log })
    const cpus = async (): Promise<number> => (await this.#known()).cpus
    this.#recipes = new DockerRecipes({ owner: init, cpus, health: async digest => this.#images.health(digest) })
    this.#health = new DockerHealth(this.#client, init.peer, { clock, log })
    this.#watchdog = new TaskWatchdog(watchdogEngine(this.#host), { log })
    this.#sweep = new OrphanSweep(async ({ signal }) => this.prune({ dryRun: false, signal }), { clock, log })
  }

  get arch(): string {
    return this.#arch
  }

  get gpuRefusal(): string | undefined {
    return this.#gpus.refusal
  }

  async start(): Promise<void> {
    // A peer without an engine is still a peer: it takes part, and says in its statistics that it cannot run anything.
    const { ready, reason } = await this.check({ signal: this.#clock.timeout(CLEAR_TIMEOUT_MS) })
    if (!ready) this.#log.warn({ reason }, 'no container engine yet')
  }

  async stop(): Promise<void> {
    this.#watchdog.stop()
    this.#containerd?.close()
    await this.#health.stop()
    if (this.#engine === undefined) return
    // Before the networks, which must be empty to be removed.
    await this.#sweep.stop()
    await this.#networks.remove().catch((err: unknown) => this.#log.warn({ err }, 'network not removed'))
  }

  async check({ signal }: { signal: AbortSignal }): Promise<{ ready: boolean; reason: string; hint?: string | undefined }> {
    try {
      await untilAborted(this.#client.ping(), signal)
      const { version } = await this.#known()
      await untilAborted(this.#gpus.look(), signal)
      return { ready: true, reason: `Docker ${version} answers at ${this.#host}` }
    } catch (error) {
      const { message, hint } = engineUnavailable(error, this.#host)
      return { ready: false, reason: message, hint }
    }
  }

  async resolve(image: string, { pull, wish, signal }: { pull: PullPolicy; wish?: ContractWish; signal: AbortSignal }): Promise<ImageInfo> {
    const { arch } = await this.#known()
    return this.#images.resolve(image, { pull, wish, arch, signal })
  }

  async present(digests: readonly Digest[], options: { signal: AbortSignal }): Promise<readonly Digest[]> {
    return this.#images.present(digests, options)
  }

  setFunctions(functions: readonly FunctionRecord[]): void {
    this.#recipes.keep(functions)
  }

  setLease(remainingMs: number): void {
    this.#watchdog.setLease(remainingMs)
  }

  async exportImage(digest: Digest, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>> {
    return exportImage(this.#client, digest, { signal })
  }

  async importImage(fn: FunctionRecord, archive: AsyncIterable<Uint8Array>, { signal }: { signal: AbortSignal }): Promise<void> {
    await importImage(this.#client, fn, archive, { signal })
  }

  onMissingImage(bring: BringImage): void {
    this.#images.bring = bring
  }

  async startStdio(fn: FunctionRecord, env: Readonly<Record<string, string>>, options: StartOptions): Promise<DockerContainer> {
    return this.#launch(fn, { env, network: this.#networks.forStdio(fn.network), ...options })
  }

  async startServer(fn: FunctionRecord, options: StartOptions): Promise<DockerContainer> {
    const network = await this.#forServer(fn)
    const env = { ...functionEnv(fn), PORT: String(fn.port) }
    return this.#launch(fn, { env, network, ...options })
  }

  async prune({ dryRun, signal }: { dryRun: boolean; signal: AbortSignal }): Promise<readonly Orphan[]> {
    try {
      const filters = { label: [`${LABEL.peer}=${this.#init.peer}`] }
      const found = await this.#client.listContainers({ all: true, filters, abortSignal: signal })
      const isKnown = ({ Id, Names }: Docker.ContainerInfo): boolean =>
        // The engine writes a name with a slash before it.
        this.#own.has(Id) || Names.some(name => this.#creating.has(name.slice(1)))
      const isOrphan = (container: Docker.ContainerInfo): boolean =>
        container.Labels[LABEL.session] !== String(this.#init.session) || !isKnown(container)
      const orphans = found.filter(isOrphan)
      if (!dryRun) await Promise.all(orphans.map(async ({ Id }) => this.#removeOrphan(Id)))
      return orphans.map(({ Id, Labels, State }) => ({
        container: Id,
        function: Labels[LABEL.function] ?? '',
        reason: `${State}, left behind by session ${Labels[LABEL.session] ?? '?'}`
      }))
    } catch (error) {
      throw signal.aborted ? signal.reason : engineUnavailable(error, this.#host)
    }
  }

  async #removeOrphan(id: string): Promise<void> {
    try {
      await this.#client.getContainer(id).remove({ force: true, v: true })
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error
    }
  }

  async #forServer(fn: FunctionRecord): Promise<string> {
    if (process.platform !== 'linux') {
      // Elsewhere the engine lives in a virtual machine whose networks end there.
      throw new CaresError('runtime_unavailable', 'http functions need a peer on the same Linux machine as its engine', {
        hint: 'run the peer in a container of that engine'
      })
    }
    try {
      return await this.#networks.forServer(fn.network)
    } catch (error) {
      throw engineUnavailable(error, this.#host)
    }
  }

  async #launch(
    fn: FunctionRecord,
    { env, network, gpuIds, signal, task }: StartOptions & { env: Readonly<Record<string, string>>; network: string }
  ): Promise<DockerContainer> {
    const { cgroups } = await this.#known()
    const onLeft = (): void => this.#sweep.doubt()
    const components: ContainerComponents = { engine: this.#client, host: this.#host, cgroups, onLeft, clock: this.#clock, log: this.#log }
    const wish = { name: fn.name, env, gpuIds, network, args: task?.args }
    const { container, pullMs, health } = await this.#create(fn, wish, { signal, isKept: task === undefined })
    const onRemoved = (): void => {
      this.#own.delete(container.id)
      this.#health.forget(container.id)
      if (task !== undefined) this.#watchdog.release(container.id)
    }
    // Before it runs: a peer that freezes in between leaves nothing that runs unwatched.
    if (task !== undefined) this.#watchdog.guard(container.id)
    const start = async (): Promise<DockerContainer> => {
      // Not before its image is here: what waits for an image must not hold up what could start.
      using _ = await this.#starts.enter(functionKey(fn), { signal })
      const streams = await attachStreams(container, { withStdin: fn.contract === 'stdio' })
      const starting = container.start() as Promise<void>
      const init = {
        pullMs,
        memoryBytes: fn.memoryBytes,
        isSampled: fn.contract === 'stdio',
        early: fn.contract === 'stdio' && task === undefined ? this.#early() : undefined,
        started: starting,
        health: health === undefined ? undefined : this.#health.of(container, health),
        onRemoved,
        stopGraceMs: task?.stopGraceMs
      }
      const started = new DockerContainer(container, streams, init, components)
      await starting.catch((error: unknown) => {
        streams.close()
        throw (gpuIds.length > 0 ? this.#gpus.refused(error) : undefined) ?? error
      })
      if (fn.contract === 'http') {
        started.host = started.address() ?? (await container.inspect()).NetworkSettings.Networks[network]?.IPAddress ?? ''
        started.port = fn.port
      }
      return started
    }
    return startOrRemove(container, { image: fn.image, signal, start, onRemoved }, components)
  }

  #early(): EarlyEnd | undefined {
    return this.#containerd === undefined ? undefined : { containerd: this.#containerd, mark: new EndMark(randomBytes(MARK_BYTES)) }
  }

  async #create(
    fn: FunctionRecord,
    wish: ContainerWish,
    { signal, isKept }: { signal: AbortSignal; isKept: boolean }
  ): Promise<{ container: Docker.Container; pullMs: number; health: HealthCommand | undefined }> {
    signal.throwIfAborted()
    const create = async (): Promise<{ container: Docker.Container; health: HealthCommand | undefined }> => {
      const { options, health } = await this.#recipes.of(fn, { isKept })
      const { name, ...body } = containerOptions(options, wish)
      this.#creating.add(name)
      try {
        // dockerode would put the whole body into the address as well, unless told which is which.
        const container = await this.#client.createContainer({ _query: { name }, _body: body } as unknown as Docker.ContainerCreateOptions)
        this.#own.add(container.id)
        return { container, health }
      } catch (error) {
        // No answer is not a refusal: an engine that dies now, or whose client does not listen any more, may have made it.
        if (statusOf(error) === undefined) this.#sweep.doubt()
        throw error
      } finally {
        this.#creating.delete(name)
      }
    }
    try {
      return { ...(await create()), pullMs: 0 }
    } catch (error) {
      if (statusOf(error) !== 404) throw engineUnavailable(error, this.#host)
    }
    const askedMs = this.#clock.nowMs()
    await this.#images.fetch(fn, { signal })
    const pullMs = this.#clock.nowMs() - askedMs
    try {
      return { ...(await create()), pullMs }
    } catch (error) {
      throw engineUnavailable(error, this.#host)
    }
  }

  /** What the engine is; asked once it answers, and then the traces of earlier lives are cleared away, once. */
  #known(): Promise<Engine> {
    this.#engine ??= this.#meet().catch((error: unknown) => {
      this.#engine = undefined
      throw engineUnavailable(error, this.#host)
    })
    return this.#engine
  }

  async #meet(): Promise<Engine> {
    const signal = this.#clock.timeout(CLEAR_TIMEOUT_MS)
    const [version, info] = await untilAborted(Promise.all([this.#client.version(), this.#client.info() as Promise<EngineInfo>]), signal)
    this.#arch = version.Arch
    const orphans = await this.prune({ dryRun: false, signal })
    if (orphans.length > 0) this.#log.info({ containers: orphans.length }, 'containers of an earlier life removed')
    const cgroups: CgroupLayout = { version: info.CgroupVersion === '2' ? '2' : '1', driver: info.CgroupDriver }
    return { version: version.Version, arch: version.Arch, cpus: info.NCPU, cgroups }
  }
}
