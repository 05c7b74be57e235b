import { executionsOf, type Pressure } from '../../model/peer.ts'
import { reasonText } from '../../model/llc.ts'
import type { Peer, PeerStatsItem } from '../../model/rest.ts'
import type { PeerListing } from '../../model/service.ts'

/** The numbers of a peer. */
export function peerStatsView({ profile, stats, state, role, ageMs }: PeerListing): PeerStatsItem {
  return {
    id: profile.id,
    name: profile.name,
    state,
    role,
    capacity: { ...profile.capacity },
    used: { cpus: stats.cpusUsed, memoryBytes: stats.memoryUsedBytes, diskBytes: stats.diskUsedBytes },
    ...(stats.pressure === undefined ? {} : { pressure: pressureView(stats.pressure, stats.cpusStolen) }),
    reserved: { cpus: stats.cpusReserved, memoryBytes: stats.memoryReservedBytes },
    running: executionsOf(stats),
    tasks: stats.tasks ?? 0,
    succeeded: stats.succeeded,
    failed: stats.failed,
    ageMs: Math.round(ageMs)
  }
}

function pressureView({ cpuRatio, memoryRatio, ioRatio }: Pressure, cpusStolen = 0): PeerStatsItem['pressure'] {
  return { cpu: cpuRatio, memory: memoryRatio, io: ioRatio, cpusStolen }
}

/** All that is known of a peer. */
export function peerView(listing: PeerListing): Peer {
  const { profile, stats, voter } = listing
  return {
    ...peerStatsView(listing),
    voter,
    term: stats.term,
    version: profile.version,
    commandVersion: profile.commandVersion ?? 1,
    runtime: profile.runtime,
    runtimeReady: stats.runtimeReady,
    ...(stats.fenced === true ? { fenced: true } : {}),
    arch: profile.arch,
    labels: { ...profile.labels },
    ...(profile.gpuRefusal === undefined ? {} : { gpuRefusal: profile.gpuRefusal }),
    addresses: profile.addresses,
    api: profile.api,
    warm: stats.warm,
    images: stats.images.length,
    llc: stats.llc === undefined ? null : { ...stats.llc, why: reasonText(stats.llc.reason) },
    usdPerHour: profile.usdPerHour,
    startedAt: profile.startedAt
  }
}
