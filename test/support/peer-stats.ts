import type { PeerStats } from '../../src/model/peer.ts'

/** The statistics of a peer that is ready and does nothing, but for what is given. */
export function statsOf(fields: Partial<PeerStats> = {}): PeerStats {
  return {
    seq: 1,
    cpusUsed: 0,
    memoryUsedBytes: 0,
    diskUsedBytes: 0,
    cpusReserved: 0,
    memoryReservedBytes: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    warm: [],
    images: [],
    draining: false,
    runtimeReady: true,
    term: 1,
    seenOrders: {},
    ...fields
  }
}
