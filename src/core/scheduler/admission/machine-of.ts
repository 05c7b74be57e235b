import type { PeerId } from '../../../model/ids.ts'
import type { PeerView } from '../../../model/peer.ts'
import type { Machine } from './admission.ts'

/** A peer as admission sees it, by its newest statistics. What CARES has promised to containers counts though they do not use it yet. */
export function machineOf({ profile, stats, state, ageMs }: PeerView, self: PeerId): Machine {
  return {
    peer: profile.id,
    capacity: profile.capacity,
    measured: {
      cpus: Math.max(stats.cpusUsed, stats.cpusReserved - (stats.cpusEvictable ?? 0)),
      memoryBytes: Math.max(stats.memoryUsedBytes, stats.memoryReservedBytes - (stats.memoryEvictableBytes ?? 0)),
      diskBytes: stats.diskUsedBytes
    },
    ageMs,
    isSelf: profile.id === self,
    isOpen: state === 'alive' && !stats.draining
  }
}
