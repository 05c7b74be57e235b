import type { Peer, PeerStatsItem } from '../../model/rest.ts'
import { ratio } from '../text.ts'
import type { ListKeys } from './listing.ts'

type Amounts<Item> = ListKeys<Item>['amounts']

/** What peers are ordered and picked by where only their numbers are known. */
export const PEER_STATS_KEYS: ListKeys<PeerStatsItem> = {
  words: { name: peer => peer.name, state: peer => peer.state },
  amounts: peerAmounts()
}

/** What peers are ordered and picked by. */
export const PEER_KEYS: ListKeys<Peer> = {
  words: {
    ...PEER_STATS_KEYS.words,
    role: peer => peer.role,
    voter: peer => (peer.voter ? 'yes' : 'no'),
    runtime: peer => peer.runtime,
    arch: peer => peer.arch,
    version: peer => peer.version
  },
  amounts: {
    ...peerAmounts(),
    price: peer => peer.usdPerHour,
    // Who has run longest comes first.
    age: peer => -Date.parse(peer.startedAt)
  },
  labels: peer => peer.labels
}

/** What is used and promised is compared as a part of what there is. */
function peerAmounts(): Amounts<PeerStatsItem> {
  const cpu = ({ used, capacity }: PeerStatsItem): number => ratio(used.cpus, capacity.cpus)
  const mem = ({ used, capacity }: PeerStatsItem): number => ratio(used.memoryBytes, capacity.memoryBytes)
  return {
    cpu,
    mem,
    disk: ({ used, capacity }) => ratio(used.diskBytes, capacity.diskBytes),
    load: peer => Math.max(cpu(peer), mem(peer)),
    reserved: ({ reserved, capacity }) => Math.max(ratio(reserved.cpus, capacity.cpus), ratio(reserved.memoryBytes, capacity.memoryBytes)),
    running: peer => peer.running,
    failed: peer => peer.failed
  }
}
