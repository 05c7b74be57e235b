import type { Stats } from '../../model/rest.ts'
import type { PeerListing, ServiceCounters } from '../../model/service.ts'
import type { PeerRef } from './names.ts'
import { peerStatsView } from './peer-view.ts'

/** The numbers of all peers and their sums. Those that are gone count in `totals.peers` only. */
export function statsView(
  listings: readonly PeerListing[],
  { at, view, counters }: { at: string; view: PeerRef; counters: ServiceCounters }
): Stats {
  const items = listings.map(peerStatsView)
  const present = items.filter(({ state }) => state !== 'gone')
  const sum = (read: (item: (typeof items)[number]) => number): number => present.reduce((total, item) => total + read(item), 0)
  const inState = (state: PeerListing['state']): number => items.filter(item => item.state === state).length
  return {
    at,
    view: { peer: view.id, name: view.name },
    items,
    totals: {
      peers: { alive: inState('alive'), suspect: inState('suspect'), draining: inState('draining'), gone: inState('gone') },
      capacity: {
        cpus: sum(({ capacity }) => capacity.cpus),
        memoryBytes: sum(({ capacity }) => capacity.memoryBytes),
        diskBytes: sum(({ capacity }) => capacity.diskBytes)
      },
      used: {
        cpus: sum(({ used }) => used.cpus),
        memoryBytes: sum(({ used }) => used.memoryBytes),
        diskBytes: sum(({ used }) => used.diskBytes)
      },
      reserved: { cpus: sum(({ reserved }) => reserved.cpus), memoryBytes: sum(({ reserved }) => reserved.memoryBytes) },
      running: sum(({ running }) => running),
      succeeded: sum(({ succeeded }) => succeeded),
      failed: sum(({ failed }) => failed),
      usdPerHour: listings.filter(({ state }) => state !== 'gone').reduce((total, { profile }) => total + profile.usdPerHour, 0)
    },
    functions: warmFunctions(listings),
    gateway: {
      inFlight: counters.inFlight,
      invocations: counters.invocations.map(entry => ({ ...entry })),
      placements: counters.placements.map(entry => ({ ...entry }))
    }
  }
}

/** The warm pools of all peers, summed by function and revision. */
function warmFunctions(listings: readonly PeerListing[]): Stats['functions'] {
  const sums = new Map<string, { name: string; revision: number; peers: number; idle: number; busy: number }>()
  for (const { stats, state } of listings) {
    if (state === 'gone') continue
    for (const pool of stats.warm) {
      const [name = '', revision = '0'] = pool.function.split('@')
      const entry = sums.get(pool.function) ?? { name, revision: Number(revision), peers: 0, idle: 0, busy: 0 }
      sums.set(pool.function, { ...entry, peers: entry.peers + 1, idle: entry.idle + pool.idle, busy: entry.busy + pool.busy })
    }
  }
  return [...sums.values()].toSorted((a, b) => (a.name === b.name ? a.revision - b.revision : a.name < b.name ? -1 : 1))
}
