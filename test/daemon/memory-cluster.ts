import { COMMAND_VERSION } from '../../src/core/registry/command-version.ts'
import { COST } from '../../src/core/scheduler/strategies/cost.ts'
import { createDaemon, type Daemon } from '../../src/daemon/daemon.ts'
import { foundCluster } from '../../src/daemon/agreement/found-cluster.ts'
import { newClusterUid, newInvocationId } from '../../src/daemon/new-ids.ts'
import { createSystemClock } from '../../src/daemon/system-clock.ts'
import type { Command } from '../../src/model/command.ts'
import { CaresError } from '../../src/model/errors.ts'
import type { CallPolicy } from '../../src/model/function.ts'
import type { PeerId } from '../../src/model/ids.ts'
import type { PeerProfile } from '../../src/model/peer.ts'
import type { BlobStore } from '../../src/model/ports/blob-store.ts'
import type { Clock } from '../../src/model/ports/clock.ts'
import type { Host } from '../../src/model/ports/runtime.ts'
import type { Store } from '../../src/model/ports/store.ts'
import type { Tcp } from '../../src/model/ports/tcp.ts'
import type { Tracer } from '../../src/model/ports/tracer.ts'
import type { Transport } from '../../src/model/ports/transport.ts'
import { PRESETS } from '../../src/model/presets.ts'
import { createRandom } from '../../src/model/random.ts'
import type { InvocationAnswer, PeerService } from '../../src/model/service.ts'
import { MemoryDisk, MemoryStore } from '../../src/simulate/memory-store.ts'
import { MemoryNetwork } from '../../src/simulate/memory-transport.ts'
import { decodeCommand, encodeCommand } from '../../src/wire/command-codec.ts'
import { eventually } from '../support/eventually.ts'
import { ScriptedRuntime, type Script } from '../support/scripted-runtime.ts'
import { createTestLog } from '../support/test-log.ts'
import { createMemorySpool } from '../support/memory-spool.ts'

/** What a peer of the cluster says of its machine, and runs on it, where that should be another than all others. */
export interface Machine {
  readonly runtime?: ScriptedRuntime
  readonly sample?: Host['sample']
  readonly profile?: Partial<PeerProfile>
  /** How far its wall clock is ahead. */
  readonly clockAheadMs?: number
}

/** Whole daemons on a network, disks and runtimes in memory, in real time. */
export class MemoryCluster {
  readonly clock = createSystemClock()
  readonly log = createTestLog()
  readonly network = new MemoryNetwork({}, { clock: this.clock, log: this.log })
  readonly peers: MemoryPeer[] = []
  /** Who is told what each peer does for a call. */
  readonly tracerOf: (peer: PeerId) => Tracer | undefined
  readonly #scripts: Readonly<Record<string, Script>>

  /** Where each peer keeps large inputs and results of tasks; undefined: it takes only small ones. */
  readonly blobsOf: (peer: PeerId) => BlobStore | undefined
  readonly machineOf: (peer: PeerId) => Machine
  /** What a peer must read to read a command, in place of the real versions. */
  readonly versionOf: ((command: Command) => number) | undefined
  /** Where connections to services come in at each peer; undefined: nowhere. */
  readonly tcpOf: (peer: PeerId) => Tcp | undefined

  constructor(
    scripts: Readonly<Record<string, Script>>,
    {
      tracerOf = () => undefined,
      blobsOf = () => undefined,
      machineOf = () => ({}),
      versionOf,
      tcpOf = () => undefined
    }: Partial<Pick<MemoryCluster, 'tracerOf' | 'blobsOf' | 'machineOf' | 'versionOf' | 'tcpOf'>> = {}
  ) {
    this.#scripts = scripts
    this.tracerOf = tracerOf
    this.blobsOf = blobsOf
    this.machineOf = machineOf
    this.versionOf = versionOf
    this.tcpOf = tcpOf
  }

  /** Starts `count` peers and waits until all are members, with as many voters as there should be. */
  async start(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.add()
    const voters = count < 3 ? 1 : count < 5 ? 3 : 5
    await this.until(
      () => this.peers.every(({ service }) => service.cluster().voters.length === voters && service.peers().length === count),
      'voters'
    )
    await this.until(() => this.peers.every(({ service }) => service.ready().ready), 'readiness')
  }

  async add(): Promise<MemoryPeer> {
    const id = `peer-${this.peers.length + 1}` as PeerId
    const peer = new MemoryPeer(id, this, this.#scripts, this.peers[0]?.id)
    this.peers.push(peer)
    await peer.start()
    return peer
  }

  async stop(): Promise<void> {
    for (const peer of this.peers) await peer.stop()
  }

  peer(index: number): MemoryPeer {
    const peer = this.peers[index]
    if (peer === undefined) throw new Error(`no peer ${index}`)
    return peer
  }

  get orchestrator(): MemoryPeer {
    const id = this.peers.find(({ service }) => service.cluster().orchestrator?.id === service.profile.id)?.id
    const peer = this.peers.find(candidate => candidate.id === id)
    if (peer === undefined) throw new Error('no orchestrator')
    return peer
  }

  /** Peers that are not orchestrator. */
  get workers(): readonly MemoryPeer[] {
    const { orchestrator } = this
    return this.peers.filter(peer => peer !== orchestrator)
  }

  /** See {@link eventually}. */
  async until(condition: () => boolean, what: string): Promise<void> {
    await eventually(what, condition, { withinMs: 10_000 })
  }

  /** Cuts a peer off from all others, as if its cable were pulled: connections break, nothing comes through. */
  isolate(peer: MemoryPeer): void {
    for (const other of this.peers) if (other !== peer) this.network.cut(peer.id, other.id)
  }

  heal(): void {
    for (const a of this.peers) for (const b of this.peers) if (a !== b) this.network.heal(a.id, b.id)
  }
}

export class MemoryPeer {
  readonly id: PeerId
  readonly runtime: ScriptedRuntime
  readonly #cluster: MemoryCluster
  readonly #disk = new MemoryDisk()
  readonly #seed: PeerId | undefined
  #daemon: Daemon | undefined
  #store: Store | undefined
  #transport: Transport | undefined

  constructor(id: PeerId, cluster: MemoryCluster, scripts: Readonly<Record<string, Script>>, seed: PeerId | undefined) {
    this.id = id
    this.#cluster = cluster
    this.#seed = seed
    this.runtime = cluster.machineOf(id).runtime ?? new ScriptedRuntime(id, scripts)
  }

  get service(): PeerService {
    if (this.#daemon === undefined) throw new Error(`${this.id} is not started`)
    return this.#daemon.service
  }

  async start(): Promise<void> {
    const { log, network } = this.#cluster
    const self = this.id
    const clock = this.#clock()
    const store = new MemoryStore(this.#disk)
    await store.start()
    this.#store = store
    const seed = this.#seed
    const loaded = await store.load()
    const persisted = seed === undefined ? await foundCluster(store, loaded, { self, uid: newClusterUid() }) : loaded
    const transport = network.transport(self)
    this.#transport = transport
    const profile: PeerProfile = {
      id: self,
      name: self,
      session: persisted.session,
      addresses: [`/memory/${self}`],
      commandVersion: COMMAND_VERSION,
      api: '127.0.0.1:0',
      version: '0.0.0',
      runtime: 'process',
      arch: 'amd64',
      capacity: this.runtime.capacity,
      labels: {},
      usdPerHour: 0,
      startedAt: clock.timestamp(),
      ...this.#cluster.machineOf(self).profile
    }
    const { sample = async () => ({ cpusUsed: 0, memoryUsedBytes: 0, diskUsedBytes: 0 }) } = this.#cluster.machineOf(self)
    this.#daemon = createDaemon(
      { self, session: persisted.session, persisted, timings: PRESETS.loopback, strategy: COST, private: true },
      {
        store,
        transport,
        host: { capacity: this.runtime.capacity, sample },
        runtime: this.runtime,
        spool: createMemorySpool(),
        blobs: this.#cluster.blobsOf(self),
        tcp: this.#cluster.tcpOf(self),
        clock,
        log,
        random: createRandom(this.#cluster.peers.length + 1),
        codec: { encode: encodeCommand, decode: decodeCommand },
        versionOf: this.#cluster.versionOf,
        seeds: seed === undefined ? [] : [{ text: seed, dial: async () => seed }],
        profile: () => profile,
        clusterId: () => null,
        newInvocationId,
        tracer: this.#cluster.tracerOf(self)
      }
    )
    await this.#daemon.start()
  }

  #clock(): Clock {
    const { clock, machineOf } = this.#cluster
    const { clockAheadMs } = machineOf(this.id)
    if (clockAheadMs === undefined) return clock
    return { ...clock, timestamp: () => new Date(Date.parse(clock.timestamp()) + clockAheadMs).toISOString() }
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
    await this.#store?.stop()
  }

  /** What is on the disk now, to be put back later. */
  backUp(): MemoryDisk['contents'] {
    return this.#disk.contents
  }

  /** Puts a backup in place of what is on the disk of a stopped peer. */
  putBack(contents: MemoryDisk['contents']): void {
    this.#disk.contents = contents
  }

  /** From now on nothing can be written. */
  breakDisk(): void {
    this.#disk.failure = new CaresError('disk_failed', 'the disk is full', { details: { disk: 'full' } })
  }

  /** Cuts network and disk without a word, then waits until nothing of the process is left: it can be started again. */
  async crash(): Promise<void> {
    await this.#transport?.stop()
    this.#disk.openedBy = null
    await this.#daemon?.stop()
  }

  /** Takes the peer off the network for ever, without a word. Its process goes on, as a frozen or cut-off one would. */
  async die(): Promise<void> {
    this.#cluster.isolate(this)
    await this.#transport?.stop()
  }

  /** Its connections stand, and nobody hears it or is heard by it, as if its process were stopped; until `thaw`. */
  freeze(): void {
    for (const { id } of this.#cluster.peers) if (id !== this.id) this.#cluster.network.silence(this.id, id)
  }

  thaw(): void {
    for (const { id } of this.#cluster.peers) if (id !== this.id) this.#cluster.network.unsilence(this.id, id)
  }

  /** Calls a function through this peer and reads the whole answer. */
  async call(
    fn: string,
    input: string,
    options: { on?: MemoryPeer; asked?: CallPolicy; signal?: AbortSignal } = {}
  ): Promise<{ answer: InvocationAnswer; output: string }> {
    const body = Buffer.from(input)
    const answer = await this.service.invoke(
      {
        function: fn,
        head: { method: 'POST', path: '/', query: '', headers: [], bodyBytes: body.length },
        body: (async function* () {
          yield body
        })(),
        ...(options.on === undefined ? {} : { on: options.on.id }),
        ...(options.asked === undefined ? {} : { asked: options.asked })
      },
      { signal: options.signal ?? this.#cluster.clock.timeout(20_000) }
    )
    return { answer, output: Buffer.concat(await Array.fromAsync(answer.body)).toString() }
  }
}
