import type { PeerId } from '../../../model/ids.ts'
import type { PeerView } from '../../../model/peer.ts'
import type { Machine } from './admission.ts'

/** A peer as admission sees it, by its newest statistics. Idle containers that would be given up for new work hold nothing. */
export function machineOf({ profile, stats, state, ageMs }: PeerView, self: PeerId): Machine {
  return {
    peer: profile.id,
    capacity: profile.capacity,
    measured: {
      cpus: stats.cpusUsed,
      memoryBytes: stats.memoryUsedBytes,
      diskBytes: stats.diskUsedBytes
    },
    promised: {
      cpus: stats.cpusReserved - (stats.cpusEvictable ?? 0),
      memoryBytes: stats.memoryReservedBytes - (stats.memoryEvictableBytes ?? 0),
      diskBytes: 0
    },
    ageMs,
    isSelf: profile.id === self,
    isOpen: state === 'alive' && !stats.draining
  }
}
