import type { Peer } from '../../model/rest.ts'
import { ratio } from '../text.ts'
import { type Activity, filterWords, matches } from './activity.ts'
import type { ClusterData } from './cluster-data.ts'
import type { ListState } from './state.ts'

/** The peers that the list shows, in its order: those that are gone last. */
export function listedPeers({ peers, costs }: ClusterData, { sort, reversed, filter, focus }: ListState): readonly Peer[] {
  const words = focus === 'peers' ? filterWords(filter) : []
  const cost = ({ id }: Peer): number => costs.get(id) ?? Number.POSITIVE_INFINITY
  const by: Record<ListState['sort'], (a: Peer, b: Peer) => number> = {
    name: () => 0,
    cpu: (a, b) => ratio(b.used.cpus, b.capacity.cpus) - ratio(a.used.cpus, a.capacity.cpus),
    memory: (a, b) => ratio(b.used.memoryBytes, b.capacity.memoryBytes) - ratio(a.used.memoryBytes, a.capacity.memoryBytes),
    running: (a, b) => b.running - a.running,
    ok: (a, b) => okRatio(a) - okRatio(b),
    cost: (a, b) => (cost(a) === cost(b) ? 0 : cost(a) - cost(b))
  }
  const direction = reversed ? -1 : 1
  const gone = ({ state }: Peer): number => (state === 'gone' ? 1 : 0)
  return peers
    .filter(peer => words.every(word => `${peer.name} ${peer.state} ${peer.role} ${peer.id} ${labels(peer)}`.toLowerCase().includes(word)))
    .sort((a, b) => gone(a) - gone(b) || direction * (by[sort](a, b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)))
}

/** The lines that the log shows, oldest first. */
export function listedLog({ log }: ClusterData, { filter, focus }: ListState, always = false): readonly Activity[] {
  const words = focus === 'log' || always ? filterWords(filter) : []
  return words.length === 0 ? log : log.filter(line => matches(line, words))
}

/** The part of a peer's executions that succeeded; 1 where none has ended. */
export function okRatio({ succeeded, failed }: Pick<Peer, 'succeeded' | 'failed'>): number {
  return succeeded + failed === 0 ? 1 : succeeded / (succeeded + failed)
}

/** The slice of a list in which the row `at` is in sight, as near to the middle as the ends allow. */
export function windowAround(length: number, at: number, height: number): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.min(length - height, at - Math.floor(height / 2)))
  return { from, to: Math.min(length, from + height) }
}

function labels({ labels }: Peer): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}
