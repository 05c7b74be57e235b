import type { LlcState } from './llc.ts'
import type { ClusterUid, Digest, PeerId, Session, Term } from './ids.ts'

/** What a peer can run in all, from its machine, its own cgroup and its flags. */
export interface Capacity {
  /** Cores, may be a fraction. */
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
}

/** Containers of one function revision on one peer. */
export interface WarmPool {
  /** See `functionKey`. */
  readonly function: string
  /** Calls that could start at once in a started container (`http`: free concurrency; `stdio`: prewarmed containers). */
  readonly idle: number
  /** Calls being served now. */
  readonly busy: number
}

/** What a peer runs work with; `none` with `--no-work`. */
export const PEER_RUNTIMES = ['docker', 'process', 'none'] as const

/** What does not change while a peer runs. */
export interface PeerProfile {
  readonly id: PeerId
  readonly name: string
  readonly session: Session
  /** Multiaddrs that others can dial, without the `/p2p/…` part. At most 16. */
  readonly addresses: readonly string[]
  /** `host:port` of the HTTP API, as seen from this peer. */
  readonly api: string
  readonly version: string
  readonly runtime: (typeof PEER_RUNTIMES)[number]
  /** CPU architecture in Docker's spelling, e.g. `amd64`. */
  readonly arch: string
  readonly capacity: Capacity
  readonly labels: Readonly<Record<string, string>>
  /** Price of the whole machine. 0: not stated. */
  readonly usdPerHour: number
  /** How fast one core was when the peer started, against a reference machine: 2 is twice as fast. Absent: not measured. */
  readonly speed?: number | undefined
  /** Where it keeps tasks; the same for all peers of a cluster. Absent: it does not say (an earlier version). */
  readonly taskStore?: 'log' | 'postgres' | undefined
  /** Which one of that kind, e.g. which database; the same for all peers of a cluster. Absent: not known yet, or there is only one. */
  readonly taskStoreId?: string | undefined
  /** Why the GPUs of its machine are given to no function. Absent: they are, or there are none. */
  readonly gpuRefusal?: string | undefined
  /** The newest version of commands in the log that it reads. Absent: 1 (an earlier version). See `core/registry/command-version.ts`. */
  readonly commandVersion?: number | undefined
  readonly startedAt: string
}

/**
 * One life of a peer, from a start to its end: its number by the peer's own disk, and when it began. Two lives of one number had two disks: one of
 * them began from a copy, such as a restored backup.
 */
export type PeerLife = Pick<PeerProfile, 'session' | 'startedAt'>

/**
 * How much of the last ten seconds some task on the machine has waited for what it needed, from 0 to 1: what the kernel calls pressure (PSI,
 * `Documentation/accounting/psi.rst`). Where everything is used, use says nothing of how much more is wanted; this does.
 */
export interface Pressure {
  /** For a core. */
  readonly cpuRatio: number
  /** For memory that had to be freed or brought back. */
  readonly memoryRatio: number
  readonly ioRatio: number
  /** The same for memory, but with every task waiting: time in which nothing at all went on. */
  readonly memoryStalledRatio: number
}

/** What a peer says of itself each second. Counters count from the start of the session. */
export interface PeerStats {
  /** Rises by one with each sample of a session: the newer of two samples wins by (session, seq), never by a clock. */
  readonly seq: number
  /** Cores in use on the machine, by anyone. For a peer that may use only a share of the machine: that share of the use. */
  readonly cpusUsed: number
  /** Memory in use on the machine, by anyone; scaled to the peer's share like `cpusUsed`. */
  readonly memoryUsedBytes: number
  readonly diskUsedBytes: number
  /** The part of `cpusUsed` that the hypervisor gave to other machines. Absent: the machine does not tell. */
  readonly cpusStolen?: number | undefined
  /** Absent: the machine does not tell. */
  readonly pressure?: Pressure | undefined
  /** Cores and memory promised to executions and warm containers. */
  readonly cpusReserved: number
  readonly memoryReservedBytes: number
  /** The part of `cpusReserved` that idle containers hold and the worker would give up for new work. Absent: none. */
  readonly cpusEvictable?: number | undefined
  /** The same part of `memoryReservedBytes`. */
  readonly memoryEvictableBytes?: number | undefined
  /** Calls that run now. */
  readonly running: number
  /** Tasks and services that run now. Absent: none, or an older version says nothing of them. */
  readonly tasks?: number | undefined
  readonly succeeded: number
  readonly failed: number
  readonly warm: readonly WarmPool[]
  /** Its last-level cache. Absent: it runs no functions, or an older version says nothing of it. */
  readonly llc?: LlcState | undefined
  /** Images of registered functions that are on the machine. */
  readonly images: readonly Digest[]
  readonly draining: boolean
  /** Whether the container engine answers; always true with `process`. */
  readonly runtimeReady: boolean
  /** It takes no part in what is agreed any more: its disk failed, or is not what it was. It still runs functions. Absent: it takes part. */
  readonly fenced?: boolean | undefined
  /** Why it cannot make or read a snapshot of what is agreed, so that peers that need one stay behind. Absent: it can, or none is needed. */
  readonly snapshotFailure?: string | undefined
  readonly term: Term
  /**
   * For each placer by which something was ordered here in the last 10 s, its highest order number that these statistics include. Gateways order for
   * themselves, so a lower one may still be on its way, for milliseconds: until it comes it does not count.
   */
  readonly seenOrders: Readonly<Record<PeerId, number>>
}

/** Everything that runs on a peer: calls, tasks and services. */
export function executionsOf({ running, tasks = 0 }: Pick<PeerStats, 'running' | 'tasks'>): number {
  return running + tasks
}

/** What a peer's tables amount to once the log up to `index` is applied: equal on all peers of one version. */
export interface AgreedState {
  readonly index: number
  /** See `createStateHash`. */
  readonly hash: string
}

/** One peer's word about itself, as it travels: by report to the orchestrator, by heartbeat to everyone. */
export interface Heartbeat {
  readonly cluster: ClusterUid
  readonly profile: PeerProfile
  readonly stats: PeerStats
  /** Longest silence before the next heartbeat that the sender plans. */
  readonly nextWithinMs: number
  /** The sender is about to stop; it will not be heard again in this session. */
  readonly leaving: boolean
  /** The sender's wall clock, in milliseconds since 1970, to tell clocks that differ; absent: an older version sent it. */
  readonly sentAtMs?: number | undefined
  /** Absent in the words of a peer that holds no state yet. */
  readonly agreed?: AgreedState | undefined
}

/** The orchestrator's summary of everyone, gossiped once a second. */
export interface ClusterDigest {
  readonly cluster: ClusterUid
  readonly orchestrator: PeerId
  readonly term: Term
  readonly seq: number
  readonly peers: readonly PeerDigest[]
}

/** One line of the digest. */
export interface PeerDigest {
  readonly profile: PeerProfile
  readonly stats: PeerStats
  /** How long ago the orchestrator heard the peer. */
  readonly ageMs: number
  readonly state: PeerState
  /** What the orchestrator has promised there to work outside CARES. Absent: nothing, or it is of an earlier version. */
  readonly admittedMemoryBytes?: number | undefined
}

/** `alive`: takes work. `suspect`: silent for too long, takes no new work. `draining`: asked to take no new work. `gone`: left or dead. */
export const PEER_STATES = ['alive', 'suspect', 'draining', 'gone'] as const

/** See {@link PEER_STATES}. */
export type PeerState = (typeof PEER_STATES)[number]

/** What this peer believes about one peer. */
export interface PeerView {
  readonly profile: PeerProfile
  readonly stats: PeerStats
  readonly state: PeerState
  /** Since the newest word of it, whoever carried it. */
  readonly ageMs: number
}
