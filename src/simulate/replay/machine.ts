import type { Digest, PeerId, Session } from '../../model/ids.ts'
import type { PeerProfile, PeerStats, WarmPool } from '../../model/peer.ts'
import type { MachineSpec } from './fleet.ts'
import { ProcessorSharing } from './processor-sharing.ts'

/** Cores may be promised so many times over: the rule of the real workers. */
const CPU_OVERSUBSCRIPTION_RATIO = 2

const CPUS_TOLERANCE = 0.001

/** How images come to a machine: 100 MB/s, and that is all pulls together. */
const PULL_BYTES_PER_MS = 100_000

/** What a machine needs to know of a function to run it. */
export interface Claim {
  /** See `functionKey`. */
  readonly key: string
  readonly digest: Digest
  readonly cpus: number
  readonly memoryBytes: number
  readonly imageBytes: number
  readonly gpus: number
  /** It is work outside CARES: it shows in what the machine uses, and not in what its CARES has promised. */
  readonly isOutside: boolean
  /** Whether its containers serve one call after the other, or end with their first. */
  readonly keepsContainers: boolean
}

/** How a machine takes a call: in an idle container, or in a new one once the image is there. */
export interface Admission {
  readonly start: 'warm' | 'cold'
  readonly pullMs: number
}

/** Containers of one function on the machine. */
interface Pool {
  readonly claim: Claim
  /** Since when each idle container has been idle, ascending. The last one is taken first, so that the others can go. */
  readonly idleSince: number[]
  busy: number
  /** What was said of it last. */
  told: WarmPool
}

/** One simulated peer as a worker: cores, memory, containers, images. It keeps the rules that real workers keep. */
export class Machine {
  readonly id: PeerId
  readonly spec: MachineSpec
  readonly cores: ProcessorSharing
  #profile: PeerProfile
  readonly #pools = new Map<string, Pool>()
  /** By image, when it is or was complete. */
  readonly #images = new Map<Digest, number>()
  #imageList: readonly Digest[] = []
  /** When the last pull that is under way will be done. */
  #linkFreeMs = 0
  #seq = 0
  #running = 0
  #cpusRunning = 0
  #cpusIdle = 0
  #memoryRunning = 0
  #memoryIdle = 0
  #gpusUsed = 0
  #outside = { count: 0, cpus: 0, memoryBytes: 0 }
  #isUp = true
  /** Nothing has been idle since before this moment, and every pool has a container: until then there is nothing to trim. */
  #nothingToTrimMs = Number.POSITIVE_INFINITY

  constructor(spec: MachineSpec, index: number) {
    this.id = `12D3KooWSimulated${String(index).padStart(6, '0')}` as PeerId
    this.spec = spec
    this.cores = new ProcessorSharing(spec.cpus, spec.speed)
    this.#profile = profileOf(this.id, spec, 1)
  }

  get profile(): PeerProfile {
    return this.#profile
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Executions that it has taken and not finished. */
  get running(): number {
    return this.#running
  }

  /** Memory of all containers. */
  get memoryBytes(): number {
    return this.#memoryRunning + this.#memoryIdle
  }

  get gpusFree(): number {
    return this.#isUp ? this.spec.gpus - this.#gpusUsed : 0
  }

  /** Cores that executions have been promised. */
  get cpusRunning(): number {
    return this.#cpusRunning
  }

  /** Takes a call, giving up idle containers if it must; undefined when there is no room for it, or nobody there. */
  admit(claim: Claim, nowMs: number): Admission | undefined {
    if (!this.#isUp || claim.gpus > this.gpusFree) return undefined
    const pool = this.#pool(claim)
    if (pool.idleSince.length > 0) {
      pool.idleSince.pop()
      this.#cpusIdle -= claim.cpus
      this.#memoryIdle -= claim.memoryBytes
      this.#occupy(pool)
      return { start: 'warm', pullMs: 0 }
    }
    if (claim.memoryBytes > this.spec.memoryBytes - this.#memoryRunning) return undefined
    if (this.#cpusRunning + claim.cpus > this.spec.cpus * CPU_OVERSUBSCRIPTION_RATIO + CPUS_TOLERANCE) return undefined
    // Idle containers hold memory, but no cores.
    while (this.memoryBytes + claim.memoryBytes > this.spec.memoryBytes) {
      if (!this.#evictLongestIdle()) return undefined
    }
    this.#occupy(pool)
    return { start: 'cold', pullMs: Math.max(0, this.#imageReadyMs(claim, nowMs) - nowMs) }
  }

  /** An execution has ended. Its container waits for the next one, or goes. */
  finish(claim: Claim, nowMs: number): void {
    const pool = this.#pool(claim)
    pool.busy--
    this.#running--
    this.#cpusRunning -= claim.cpus
    this.#memoryRunning -= claim.memoryBytes
    this.#gpusUsed -= claim.gpus
    if (claim.isOutside) this.#countOutside(claim, -1)
    if (claim.keepsContainers) {
      pool.idleSince.push(nowMs)
      this.#nothingToTrimMs = Math.min(this.#nothingToTrimMs, nowMs)
      this.#cpusIdle += claim.cpus
      this.#memoryIdle += claim.memoryBytes
    } else if (pool.busy === 0) this.#pools.delete(claim.key)
  }

  /** Removes containers that have been idle since before a moment. */
  trim(beforeMs: number): void {
    if (beforeMs <= this.#nothingToTrimMs) return
    let longestMs = Number.POSITIVE_INFINITY
    for (const [key, pool] of this.#pools) {
      while (idleSinceMs(pool) < beforeMs) this.#removeIdle(pool)
      if (pool.busy === 0 && pool.idleSince.length === 0) this.#pools.delete(key)
      longestMs = Math.min(longestMs, idleSinceMs(pool))
    }
    this.#nothingToTrimMs = longestMs
  }

  /** What it would say of itself now. `seenOrders` as in `PeerStats`. */
  stats(nowMs: number, seenOrders: PeerStats['seenOrders']): PeerStats {
    const warm: WarmPool[] = []
    for (const pool of this.#pools.values()) {
      const { claim, idleSince, busy, told } = pool
      // Most has not changed since the last word, and need not be made again.
      if (told.idle !== idleSince.length || told.busy !== busy) pool.told = { function: claim.key, idle: idleSince.length, busy }
      warm.push(pool.told)
    }
    if (this.#imageList.length < this.#images.size) {
      const ready = [...this.#images].filter(([, readyMs]) => readyMs <= nowMs)
      if (ready.length > this.#imageList.length) this.#imageList = ready.map(([digest]) => digest)
    }
    return {
      seq: ++this.#seq,
      cpusUsed: this.cores.busy,
      memoryUsedBytes: this.memoryBytes,
      diskUsedBytes: 0,
      cpusReserved: this.#cpusRunning + this.#cpusIdle - this.#outside.cpus,
      memoryReservedBytes: this.memoryBytes - this.#outside.memoryBytes,
      cpusEvictable: this.#cpusIdle,
      memoryEvictableBytes: this.#memoryIdle,
      running: this.#running - this.#outside.count,
      succeeded: 0,
      failed: 0,
      warm,
      images: this.#imageList,
      draining: false,
      runtimeReady: true,
      term: 1,
      seenOrders
    }
  }

  /** Loses all executions and containers; images stay on the disk. Returns what ran on the cores. */
  crash(nowMs: number): readonly number[] {
    this.#isUp = false
    this.cores.advance(nowMs)
    this.#pools.clear()
    this.#running = this.#cpusRunning = this.#cpusIdle = this.#memoryRunning = this.#memoryIdle = this.#gpusUsed = 0
    this.#outside = { count: 0, cpus: 0, memoryBytes: 0 }
    return this.cores.clear()
  }

  /** Comes back, in its next session. */
  restart(): void {
    this.#isUp = true
    this.#seq = 0
    this.#profile = profileOf(this.id, this.spec, this.#profile.session + 1)
  }

  #occupy(pool: Pool): void {
    pool.busy++
    this.#running++
    this.#cpusRunning += pool.claim.cpus
    this.#memoryRunning += pool.claim.memoryBytes
    this.#gpusUsed += pool.claim.gpus
    if (pool.claim.isOutside) this.#countOutside(pool.claim, 1)
  }

  #countOutside({ cpus, memoryBytes }: Claim, sign: 1 | -1): void {
    this.#outside.count += sign
    this.#outside.cpus += sign * cpus
    this.#outside.memoryBytes += sign * memoryBytes
  }

  #pool(claim: Claim): Pool {
    let pool = this.#pools.get(claim.key)
    if (pool === undefined) {
      pool = { claim, idleSince: [], busy: 0, told: { function: claim.key, idle: 0, busy: 0 } }
      this.#pools.set(claim.key, pool)
      // It goes again if it never gets a container.
      this.#nothingToTrimMs = Number.NEGATIVE_INFINITY
    }
    return pool
  }

  #imageReadyMs({ digest, imageBytes }: Claim, nowMs: number): number {
    let readyMs = this.#images.get(digest)
    if (readyMs === undefined) {
      readyMs = Math.max(nowMs, this.#linkFreeMs) + imageBytes / PULL_BYTES_PER_MS
      this.#linkFreeMs = readyMs
      this.#images.set(digest, readyMs)
    }
    return readyMs
  }

  #evictLongestIdle(): boolean {
    let longest: Pool | undefined
    for (const pool of this.#pools.values()) {
      if (idleSinceMs(pool) < (longest === undefined ? Number.POSITIVE_INFINITY : idleSinceMs(longest))) longest = pool
    }
    if (longest === undefined) return false
    this.#removeIdle(longest)
    return true
  }

  #removeIdle(pool: Pool): void {
    pool.idleSince.shift()
    this.#nothingToTrimMs = Number.NEGATIVE_INFINITY
    this.#cpusIdle -= pool.claim.cpus
    this.#memoryIdle -= pool.claim.memoryBytes
  }
}

/** Since when its longest idle container has been idle; infinity without any. */
function idleSinceMs({ idleSince }: Pool): number {
  return idleSince.length === 0 ? Number.POSITIVE_INFINITY : (idleSince[0] ?? 0)
}

function profileOf(id: PeerId, { name, cpus, memoryBytes, usdPerHour }: MachineSpec, session: Session): PeerProfile {
  return {
    id,
    name,
    session,
    addresses: [],
    api: '',
    version: '',
    runtime: 'docker',
    arch: 'amd64',
    capacity: { cpus, memoryBytes, diskBytes: 0 },
    labels: {},
    usdPerHour,
    startedAt: ''
  }
}
