import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ClusterUid } from '../model/ids.ts'
import { LLC_MODES, type LlcState } from '../model/llc.ts'
import {
  type Capacity,
  type ClusterDigest,
  type Heartbeat,
  PEER_RUNTIMES,
  PEER_STATES,
  type PeerDigest,
  type PeerProfile,
  type PeerStats,
  type Pressure
} from '../model/peer.ts'
import { readPeerId } from './call-codec.ts'
import { amount, list, oneOf, optional, required, text, toWhole, whole } from './check.ts'
import { createCodec } from './codec.ts'
import {
  type Capacity as CapacityMessage,
  type ClusterDigest as ClusterDigestMessage,
  ClusterDigestSchema,
  type Heartbeat as HeartbeatMessage,
  HeartbeatSchema,
  type Llc as LlcMessage,
  type LlcSchema,
  type PeerDigest as PeerDigestMessage,
  type PeerProfile as PeerProfileMessage,
  type PeerProfileSchema,
  type PeerStats as PeerStatsMessage,
  type PeerStatsSchema,
  type Pressure as PressureMessage,
  type PressureSchema
} from './generated/gossip_pb.ts'
import { ADDRESSES_MAX, GOSSIP_BYTES_MAX, ID_CHARS_MAX, IMAGES_MAX, PEERS_MAX, POOLS_MAX, TEXT_CHARS_MAX } from './limits.ts'
import { readPairs, readUnique, writePairs } from './pairs.ts'
import { readDigest } from './function-codec.ts'

const TASK_STORES = ['log', 'postgres'] as const

/** A peer's word about itself. The page is `protocols/gossip.md`. */
export const heartbeatCodec = createCodec({
  schema: HeartbeatSchema,
  name: 'heartbeat',
  bytesMax: GOSSIP_BYTES_MAX,
  write: writeHeartbeat,
  read: readHeartbeat
})

/** The orchestrator's summary of all peers. */
export const digestCodec = createCodec({
  schema: ClusterDigestSchema,
  name: 'digest',
  bytesMax: GOSSIP_BYTES_MAX,
  write: writeDigest,
  read: readClusterDigest
})

/** The message of a heartbeat. Sizes are rounded to whole bytes. */
export function writeHeartbeat(heartbeat: Heartbeat): MessageInitShape<typeof HeartbeatSchema> {
  return {
    cluster: heartbeat.cluster,
    profile: writeProfile(heartbeat.profile),
    stats: writeStats(heartbeat.stats),
    nextWithinMs: toWhole(Math.ceil(heartbeat.nextWithinMs), 'nextWithinMs'),
    leaving: heartbeat.leaving,
    ...optional('sentAtMs', heartbeat.sentAtMs === undefined ? undefined : toWhole(heartbeat.sentAtMs, 'sentAtMs')),
    ...(heartbeat.agreed === undefined ? {} : { agreed: { index: toWhole(heartbeat.agreed.index, 'index'), hash: heartbeat.agreed.hash } })
  }
}

/** A heartbeat. Throws `protocol`. */
export function readHeartbeat(message: HeartbeatMessage): Heartbeat {
  return {
    cluster: readCluster(message.cluster),
    profile: readProfile(required(message.profile, 'profile')),
    stats: readStats(required(message.stats, 'stats')),
    nextWithinMs: whole(message.nextWithinMs, 'nextWithinMs'),
    leaving: message.leaving,
    ...optional('sentAtMs', message.sentAtMs === undefined ? undefined : whole(message.sentAtMs, 'sentAtMs')),
    ...(message.agreed === undefined
      ? {}
      : { agreed: { index: whole(message.agreed.index, 'index'), hash: text(message.agreed.hash, 'hash', ID_CHARS_MAX) } })
  }
}

/** A cluster's uid: not empty and not too long. Throws `protocol`. */
export function readCluster(value: string): ClusterUid {
  return text(value, 'cluster', ID_CHARS_MAX, { empty: false }) as ClusterUid
}

/** Multiaddrs of one peer, as text: at most `ADDRESSES_MAX`. Throws `protocol`. */
export function readAddresses(values: readonly string[]): readonly string[] {
  return list(values, 'addresses', ADDRESSES_MAX).map(address => text(address, 'address', TEXT_CHARS_MAX, { empty: false }))
}

/** The message of a peer's profile. */
export function writeProfile(profile: PeerProfile): MessageInitShape<typeof PeerProfileSchema> {
  return {
    id: profile.id,
    name: profile.name,
    session: toWhole(profile.session, 'session'),
    addresses: [...profile.addresses],
    api: profile.api,
    version: profile.version,
    runtime: profile.runtime,
    arch: profile.arch,
    capacity: {
      cpus: profile.capacity.cpus,
      memoryBytes: toWhole(profile.capacity.memoryBytes, 'memoryBytes'),
      diskBytes: toWhole(profile.capacity.diskBytes, 'diskBytes')
    },
    labels: writePairs(profile.labels),
    usdPerHour: profile.usdPerHour,
    startedAt: profile.startedAt,
    ...optional('speed', profile.speed),
    ...(profile.taskStore === undefined ? {} : { taskStore: profile.taskStore }),
    ...(profile.taskStoreId === undefined ? {} : { taskStoreId: profile.taskStoreId }),
    ...optional('commandVersion', profile.commandVersion),
    ...(profile.gpuRefusal === undefined ? {} : { gpuRefusal: profile.gpuRefusal })
  }
}

/** A peer's profile. Throws `protocol`. */
export function readProfile(message: PeerProfileMessage): PeerProfile {
  return {
    id: readPeerId(message.id, 'id'),
    name: text(message.name, 'name', ID_CHARS_MAX),
    session: whole(message.session, 'session'),
    addresses: readAddresses(message.addresses),
    api: text(message.api, 'api', TEXT_CHARS_MAX),
    version: text(message.version, 'version', TEXT_CHARS_MAX),
    runtime: oneOf(message.runtime, 'runtime', PEER_RUNTIMES),
    arch: text(message.arch, 'arch', ID_CHARS_MAX),
    capacity: readCapacity(required(message.capacity, 'capacity')),
    labels: readPairs(message.labels, 'labels'),
    usdPerHour: amount(message.usdPerHour, 'usdPerHour'),
    startedAt: text(message.startedAt, 'startedAt', TEXT_CHARS_MAX),
    ...(message.speed === undefined ? {} : { speed: amount(message.speed, 'speed') }),
    ...(message.taskStore === undefined ? {} : { taskStore: oneOf(message.taskStore, 'taskStore', TASK_STORES) }),
    ...(message.taskStoreId === undefined ? {} : { taskStoreId: text(message.taskStoreId, 'taskStoreId', ID_CHARS_MAX) }),
    ...optional('commandVersion', message.commandVersion),
    ...(message.gpuRefusal === undefined ? {} : { gpuRefusal: text(message.gpuRefusal, 'gpuRefusal', TEXT_CHARS_MAX) })
  }
}

function readCapacity(message: CapacityMessage): Capacity {
  return {
    cpus: amount(message.cpus, 'cpus'),
    memoryBytes: whole(message.memoryBytes, 'memoryBytes'),
    diskBytes: whole(message.diskBytes, 'diskBytes')
  }
}

/** The message of a peer's statistics. Sizes are rounded to whole bytes. */
export function writeStats(stats: PeerStats): MessageInitShape<typeof PeerStatsSchema> {
  return {
    seq: toWhole(stats.seq, 'seq'),
    cpusUsed: stats.cpusUsed,
    memoryUsedBytes: toWhole(Math.round(stats.memoryUsedBytes), 'memoryUsedBytes'),
    diskUsedBytes: toWhole(Math.round(stats.diskUsedBytes), 'diskUsedBytes'),
    cpusReserved: stats.cpusReserved,
    memoryReservedBytes: toWhole(Math.round(stats.memoryReservedBytes), 'memoryReservedBytes'),
    running: stats.running,
    ...optional('tasks', stats.tasks),
    succeeded: toWhole(stats.succeeded, 'succeeded'),
    failed: toWhole(stats.failed, 'failed'),
    warm: stats.warm.map(({ function: fn, idle, busy }) => ({ function: fn, idle, busy })),
    images: [...stats.images],
    draining: stats.draining,
    runtimeReady: stats.runtimeReady,
    fenced: stats.fenced ?? false,
    ...optional('snapshotFailure', stats.snapshotFailure),
    term: toWhole(stats.term, 'term'),
    seenOrders: Object.entries(stats.seenOrders).map(([peer, order]) => ({ peer, order: toWhole(order, 'order') })),
    ...optional('cpusEvictable', stats.cpusEvictable),
    ...optional('cpusStolen', stats.cpusStolen),
    ...(stats.pressure === undefined ? {} : { pressure: writePressure(stats.pressure) }),
    ...(stats.memoryEvictableBytes === undefined
      ? {}
      : { memoryEvictableBytes: toWhole(Math.round(stats.memoryEvictableBytes), 'memoryEvictableBytes') }),
    ...(stats.llc === undefined ? {} : { llc: writeLlc(stats.llc) })
  }
}

/** A peer's statistics. Throws `protocol`. */
export function readStats(message: PeerStatsMessage): PeerStats {
  const seen = list(message.seenOrders, 'seenOrders', PEERS_MAX).map(({ peer, order }) => [peer, whole(order, 'order')] as const)
  return {
    seq: whole(message.seq, 'seq'),
    cpusUsed: amount(message.cpusUsed, 'cpusUsed'),
    memoryUsedBytes: whole(message.memoryUsedBytes, 'memoryUsedBytes'),
    diskUsedBytes: whole(message.diskUsedBytes, 'diskUsedBytes'),
    cpusReserved: amount(message.cpusReserved, 'cpusReserved'),
    memoryReservedBytes: whole(message.memoryReservedBytes, 'memoryReservedBytes'),
    ...(message.cpusStolen === undefined ? {} : { cpusStolen: amount(message.cpusStolen, 'cpusStolen') }),
    ...(message.pressure === undefined ? {} : { pressure: readPressure(message.pressure) }),
    ...(message.cpusEvictable === undefined ? {} : { cpusEvictable: amount(message.cpusEvictable, 'cpusEvictable') }),
    ...(message.memoryEvictableBytes === undefined
      ? {}
      : { memoryEvictableBytes: whole(message.memoryEvictableBytes, 'memoryEvictableBytes') }),
    ...(message.llc === undefined ? {} : { llc: readLlc(message.llc) }),
    running: message.running,
    ...optional('tasks', message.tasks),
    succeeded: whole(message.succeeded, 'succeeded'),
    failed: whole(message.failed, 'failed'),
    warm: list(message.warm, 'warm', POOLS_MAX).map(({ function: fn, idle, busy }) => ({
      function: text(fn, 'function', ID_CHARS_MAX, { empty: false }),
      idle,
      busy
    })),
    images: list(message.images, 'images', IMAGES_MAX).map(readDigest),
    draining: message.draining,
    runtimeReady: message.runtimeReady,
    ...(message.fenced ? { fenced: true } : {}),
    ...(message.snapshotFailure === undefined ? {} : { snapshotFailure: text(message.snapshotFailure, 'snapshotFailure', TEXT_CHARS_MAX) }),
    term: whole(message.term, 'term'),
    seenOrders: readUnique(seen, 'seenOrders')
  }
}

function writeLlc(llc: LlcState): MessageInitShape<typeof LlcSchema> {
  return {
    mode: llc.mode,
    reason: llc.reason,
    bytes: toWhole(llc.bytes, 'llc bytes'),
    ways: llc.ways,
    expectedBytes: toWhole(Math.round(llc.expectedBytes), 'llc expectedBytes'),
    ...(llc.usedBytes === undefined ? {} : { usedBytes: toWhole(Math.round(llc.usedBytes), 'llc usedBytes') }),
    ...optional('classes', llc.classes)
  }
}

function readLlc(message: LlcMessage): LlcState {
  return {
    mode: oneOf(message.mode, 'llc mode', LLC_MODES),
    reason: text(message.reason, 'llc reason', ID_CHARS_MAX),
    bytes: whole(message.bytes, 'llc bytes'),
    ways: message.ways,
    expectedBytes: whole(message.expectedBytes, 'llc expectedBytes'),
    ...(message.usedBytes === undefined ? {} : { usedBytes: whole(message.usedBytes, 'llc usedBytes') }),
    ...optional('classes', message.classes)
  }
}

function writePressure({ cpuRatio, memoryRatio, ioRatio, memoryStalledRatio }: Pressure): MessageInitShape<typeof PressureSchema> {
  return { cpu: cpuRatio, memory: memoryRatio, io: ioRatio, memoryStalled: memoryStalledRatio }
}

function readPressure({ cpu, memory, io, memoryStalled }: PressureMessage): Pressure {
  return {
    cpuRatio: ratio(cpu, 'cpu'),
    memoryRatio: ratio(memory, 'memory'),
    ioRatio: ratio(io, 'io'),
    memoryStalledRatio: ratio(memoryStalled, 'memoryStalled')
  }
}

/** What is more than one adds no meaning, and must not add to a cost. */
function ratio(value: number, name: string): number {
  return Math.min(1, amount(value, name))
}

function writeDigest(digest: ClusterDigest): MessageInitShape<typeof ClusterDigestSchema> {
  return {
    cluster: digest.cluster,
    orchestrator: digest.orchestrator,
    term: toWhole(digest.term, 'term'),
    seq: toWhole(digest.seq, 'seq'),
    peers: digest.peers.map(({ profile, stats, ageMs, state, admittedMemoryBytes }) => ({
      profile: writeProfile(profile),
      stats: writeStats(stats),
      ageMs,
      state,
      ...(admittedMemoryBytes === undefined ? {} : { admittedMemoryBytes: toWhole(admittedMemoryBytes, 'admittedMemoryBytes') })
    }))
  }
}

function readClusterDigest(message: ClusterDigestMessage): ClusterDigest {
  return {
    cluster: readCluster(message.cluster),
    orchestrator: readPeerId(message.orchestrator, 'orchestrator'),
    term: whole(message.term, 'term'),
    seq: whole(message.seq, 'seq'),
    peers: list(message.peers, 'peers', PEERS_MAX).map(readPeerDigest)
  }
}

function readPeerDigest(message: PeerDigestMessage): PeerDigest {
  return {
    profile: readProfile(required(message.profile, 'profile')),
    stats: readStats(required(message.stats, 'stats')),
    ageMs: amount(message.ageMs, 'ageMs'),
    state: oneOf(message.state, 'state', PEER_STATES),
    ...(message.admittedMemoryBytes === undefined ? {} : { admittedMemoryBytes: whole(message.admittedMemoryBytes, 'admittedMemoryBytes') })
  }
}
