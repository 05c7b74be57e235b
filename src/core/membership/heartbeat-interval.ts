/** Heartbeats that all peers together gossip within one `gossipMs`; the tenth message is the digest. */
const HEARTBEATS_PER_GOSSIP = 9

/**
 * How often each of so many peers gossips its own heartbeat: seldom enough that all together send at most nine in a `gossipMs`. Measured: all
 * peers once a second costs each of them 0.3 % of a core for every other, and starves elections at 30 peers on one small machine.
 */
export function heartbeatIntervalMs(peersCount: number, gossipMs: number): number {
  return Math.max(gossipMs, (peersCount / HEARTBEATS_PER_GOSSIP) * gossipMs)
}
