import { COMMAND_VERSION } from '../../core/registry/command-version.ts'
import { COST } from '../../core/scheduler/strategies/cost.ts'
import { createDaemon, type Daemon } from '../../daemon/daemon.ts'
import { foundCluster } from '../../daemon/agreement/found-cluster.ts'
import type { Configuration, ConsensusMessage } from '../../model/consensus.ts'
import { CaresError } from '../../model/errors.ts'
import type { FunctionRecord } from '../../model/function.ts'
import type { ClusterUid, InvocationId, PeerId, Session } from '../../model/ids.ts'
import type { PeerProfile } from '../../model/peer.ts'
import type { ExecutionCall } from '../../model/ports/runtime.ts'
import type { Applied, RegistryTables } from '../../model/ports/store.ts'
import { createRandom } from '../../model/random.ts'
import { decodeCommand, encodeCommand } from '../../wire/command-codec.ts'
import { createFakeRuntime, type FakeOutcome, type FakeRuntime } from '../fake-runtime.ts'
import { MemoryDisk, MemoryStore } from '../memory-store.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import { type CallMonitor, type Overheard } from './call-monitor.ts'
import type { WholeCoverage } from './coverage.ts'
import type { WholeKnobs } from './knobs.ts'
import type { LogMonitor } from './log-monitor.ts'
import { type ClockError, PeerClock } from './peer-clock.ts'
import { createPeerLog } from './peer-log.ts'
import type { SimulatedMesh } from './network.ts'
import { Process } from './process.ts'
import { SlowDisk } from './slow-disk.ts'
import type { TaskMonitor } from './task-monitor.ts'
import { TaskPrograms } from './task-programs.ts'
import { SERVICE_BYTES } from './task-work.ts'
import { runTask, type TaskRuntimeComponents, withTaskPrograms } from './task-runtime.ts'
import { SimulatedTransport } from './transport.ts'

/** What a peer needs around it. */
export interface WholePeerComponents {
  readonly world: World
  readonly knobs: WholeKnobs
  readonly mesh: SimulatedMesh
  readonly calls: CallMonitor
  readonly log: LogMonitor
  readonly tasks: TaskMonitor
  readonly coverage: WholeCoverage
  /** Peers that a peer without a cluster asks. */
  readonly seeds: (self: PeerId) => readonly PeerId[]
  /** What an execution does, from the moment that it starts. */
  readonly execute: (peer: WholePeer, fn: FunctionRecord, call: ExecutionCall) => FakeOutcome
  /** Whether bad luck still happens. */
  readonly isChaos: () => boolean
  /** A life has ended, whoever wanted it. */
  readonly onDeath: (peer: WholePeer) => void
}

/** One life of a peer. */
export interface Life {
  readonly process: Process
  readonly transport: SimulatedTransport
  readonly clock: PeerClock
  readonly disk: SlowDisk
  readonly store: MemoryStore
  readonly runtime: FakeRuntime | null
  readonly daemon: Daemon
  readonly session: Session
}

/** Memory of one execution; see `WholeKnobs.slotsCount`. */
const SLOT_BYTES = 128 * 2 ** 20
const CLUSTER = 'c-simulated' as ClusterUid
/** An operator starts a peer that did not come up again after this. */
const START_AGAIN_MS = 500

/** A peer of production code, on a simulated machine that outlives its processes. */
export class WholePeer {
  readonly id: PeerId
  readonly disk = new MemoryDisk()
  /** The present life; undefined while the peer is down. */
  life: Life | undefined
  readonly #components: WholePeerComponents
  readonly #clockError: ClockError
  readonly #works: boolean
  readonly #programs: TaskPrograms
  #isFounder: boolean
  #lives = 0
  /** The present life has met a disk that fails. */
  #hasMetFailure = false
  #isBooting = false
  #isLeaving = false

  constructor(id: PeerId, { isFounder, works }: { isFounder: boolean; works: boolean }, components: WholePeerComponents) {
    const { world, knobs } = components
    this.id = id
    this.#components = components
    this.#isFounder = isFounder
    this.#works = works
    this.#clockError = { rate: 1 + (world.random() * 2 - 1) * knobs.clockDriftRatio, offsetMs: world.random() * 1e6 }
    this.#programs = new TaskPrograms(world, this.#clockError.rate)
  }

  /** Puts the peer's disk into the state of a member of a cluster with this configuration, which has agreed on nothing else yet. */
  async install(configuration: Configuration, members: readonly PeerId[]): Promise<void> {
    const store = new MemoryStore(this.disk)
    await store.start()
    await store.load()
    await store.compact({ index: 0, term: 0, configuration })
    await store.setCluster(CLUSTER)
    await store.setAddresses(members.filter(id => id !== this.id).map(id => ({ id, addresses: [`/memory/${id}`] })))
    await store.stop()
    this.#isFounder = false
  }

  /** From now on no write succeeds; a peer that notices takes no part any more. */
  breakDisk(): void {
    this.disk.failure = new CaresError('disk_failed', 'the simulation has broken the disk of this machine', { details: { disk: 'io' } })
    this.#hasMetFailure = true
  }

  /** The disk works again. A peer that has noticed must be started anew. */
  repairDisk(): void {
    this.disk.failure = null
  }

  get isUp(): boolean {
    return this.life !== undefined && !this.life.process.isFrozen
  }

  /** Whether it is on its way out of its cluster, or has left and not come back yet. */
  get isLeaving(): boolean {
    return this.#isLeaving || this.disk.contents.cluster === null
  }

  /** Starts the peer, unless it is up. Its disk takes its time, so this does too. */
  boot(): void {
    if (this.life !== undefined || this.#isBooting) return
    this.#isBooting = true
    this.#start()
      .catch((err: unknown) => {
        if (!this.#hasMetFailure) this.#fail(err)
        this.#components.world.after(START_AGAIN_MS, () => this.boot())
      })
      .finally(() => {
        this.#isBooting = false
      })
  }

  async #start(): Promise<void> {
    const { world, knobs, mesh, coverage } = this.#components
    this.#hasMetFailure = this.disk.failure !== null
    this.#isLeaving = false
    const process = new Process(world)
    const clock = new PeerClock(world, process, this.#clockError)
    const life = ++this.#lives
    const slowDisk = new SlowDisk(world, this.disk, process, {
      fsyncMsMax: knobs.fsyncMsMax,
      // Not while it boots: nobody has heard of this life yet, so that its death would be like none.
      dieAfterWriteRatio: () => (this.life?.process === process && this.#components.isChaos() ? knobs.dieAfterWriteRatio : 0),
      onDie: () => {
        coverage.diedAfterWrite += 1
        this.kill('killed')
      }
    })
    const store = new WatchedStore(this.disk, applied =>
      this.#watch(() => {
        this.#components.log.onApply(this.id, applied)
        this.#components.tasks.onApply(applied)
      })
    )
    this.disk.openedBy = null // Whoever had it is dead.
    await store.start()
    const random = createRandom(Math.floor(world.random() * 2 ** 32))
    const loaded = await store.load()
    const persisted = this.#isFounder ? await foundCluster(store, loaded, { self: this.id, uid: CLUSTER }) : loaded
    this.#isFounder = false
    const { session } = persisted
    const log = createPeerLog((level, describe) => this.#onLog(process, level, describe))
    const overheard: Overheard = { id: this.id, session, diskTerm: () => this.disk.contents.head.hardState.term }
    const transport = new SimulatedTransport(this.id, {
      world,
      mesh,
      process,
      clock,
      log,
      onConsensus: (message: ConsensusMessage) => this.#watch(() => this.#components.log.onConsensus(this.id, message)),
      tap: message => {
        if (!process.isDead) this.#watch(() => this.#components.calls.onMessage(overheard, message))
      }
    })
    const capacity = { cpus: 64, memoryBytes: knobs.slotsCount * SLOT_BYTES + knobs.servicesCount * SERVICE_BYTES, diskBytes: 2 ** 40 }
    const machine: TaskRuntimeComponents = {
      id: this.id,
      world,
      process,
      programs: this.#programs,
      monitor: this.#components.tasks,
      watch: look => this.#watch(look)
    }
    const runtime = this.#works ? withTaskPrograms(createFakeRuntime({ capacity, clock }), machine) : null
    runtime?.script((fn, call) => {
      if (call.task !== undefined) return runTask(fn, machine)
      this.#watch(() => this.#components.calls.onStart(overheard, call.invocation))
      return this.#components.execute(this, fn, call)
    })
    const profile: PeerProfile = {
      id: this.id,
      name: this.id,
      session,
      addresses: transport.addresses(),
      commandVersion: COMMAND_VERSION,
      api: '127.0.0.1:0',
      version: '0.0.0',
      runtime: this.#works ? 'process' : 'none',
      arch: 'amd64',
      capacity,
      labels: {},
      usdPerHour: 0,
      startedAt: clock.timestamp()
    }
    let calls = 0
    const daemon = createDaemon(
      { self: this.id, session, persisted, timings: knobs.timings, strategy: COST, private: true },
      {
        store,
        transport,
        host: { capacity, sample: async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }) },
        runtime,
        clock,
        log,
        random,
        codec: { encode: encodeCommand, decode: decodeCommand },
        seeds: this.#components.seeds(this.id).map(id => ({
          text: id,
          dial: async ({ signal }) => {
            await mesh.dial(transport, id, { signal })
            return id
          }
        })),
        profile: () => profile,
        clusterId: () => null,
        newInvocationId: () => `i-${this.id}-${life}-${++calls}` as InvocationId
      }
    )
    this.life = { process, transport, clock, disk: slowDisk, store, runtime, daemon, session }
    world.trace(() => `${this.id} starts its session ${session}`)
    daemon.start().catch((err: unknown) => {
      if (process.isDead) return
      world.trace(() => `${this.id} does not start: ${String(err)}`)
      this.kill('killed')
      world.after(START_AGAIN_MS, () => this.boot())
    })
  }

  /** The process dies at once. `powered off`: the machine with it, so that nobody is told. */
  kill(how: 'killed' | 'powered off'): void {
    const { life } = this
    if (life === undefined) return
    const { world, mesh, onDeath } = this.#components
    world.trace(() => `${this.id} is ${how}`)
    this.life = undefined
    life.process.kill()
    life.disk.lose()
    this.disk.openedBy = null
    this.#programs.onDeath({ power: how === 'powered off' })
    if (how === 'killed') mesh.leave(life.transport)
    else mesh.vanish(life.transport)
    mesh.review()
    onDeath(this)
  }

  freeze(): void {
    this.life?.process.freeze()
    this.#components.mesh.review()
  }

  thaw(): void {
    this.life?.process.thaw()
    this.#components.mesh.review()
  }

  /** The process is asked to stop, and does so in order; or, to leave for good. Then it is started again. */
  stop(how: 'stop' | 'leave'): void {
    const { life } = this
    if (life === undefined) return
    const { world } = this.#components
    world.trace(() => `${this.id} is asked to ${how}`)
    life.process.enter(() => void this.#stop(life, how).catch((err: unknown) => this.#fail(err)))
  }

  async #stop(life: Life, how: 'stop' | 'leave'): Promise<void> {
    const { world, onDeath } = this.#components
    if (how === 'leave') {
      this.#isLeaving = true
      try {
        await life.daemon.service.leave({ signal: life.clock.timeout(LEAVE_MS) })
      } catch (err) {
        world.trace(() => `${this.id} cannot leave: ${String(err)}`)
        return
      } finally {
        this.#isLeaving = false
      }
    }
    await life.daemon.stop()
    if (life.process.isDead) return
    await life.store.stop()
    world.trace(() => `${this.id} has stopped`)
    life.process.kill()
    this.#programs.onDeath({ power: false })
    this.life = undefined
    onDeath(this)
    world.after(START_AGAIN_MS, () => this.boot())
  }

  get tables(): RegistryTables {
    return this.disk.contents.tables
  }

  #onLog(process: Process, level: 'error' | 'warn' | 'info' | 'debug', describe: () => string): void {
    if (process.isDead) return
    const { world } = this.#components
    world.trace(() => `${this.id} ${level === 'info' ? '' : `${level}: `}${describe()}`)
    // Somebody must act, says this level; in a simulated world that is a defect, but for a disk that was broken on purpose.
    if (level === 'error' && !this.#hasMetFailure) world.fail(new Violation(`${this.id} logs an error: ${describe()}`))
  }

  #watch(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#components.world.fail(error instanceof Error ? error : new Error(String(error)))
  }
}

const LEAVE_MS = 8_000

/** A store whose applied commands are seen. */
class WatchedStore extends MemoryStore {
  readonly #onApply: (applied: readonly Applied[]) => void

  constructor(disk: MemoryDisk, onApply: (applied: readonly Applied[]) => void) {
    super(disk)
    this.#onApply = onApply
  }

  override apply(applied: readonly Applied[], tables: RegistryTables, appliedIndex: number): void {
    this.#onApply(applied)
    super.apply(applied, tables, appliedIndex)
  }
}
