import type { Capacity } from './peer.ts'

/** What an hour's price is divided by. */
const MS_PER_HOUR = 3_600_000

/** The share of a machine that work takes: of cores or memory, whichever is scarcer there. More than all of it counts as all. */
export function shareOfMachine(capacity: Pick<Capacity, 'cpus' | 'memoryBytes'>, cpus: number, memoryBytes: number): number {
  return Math.min(1, Math.max(cpus / (capacity.cpus || 1), memoryBytes / (capacity.memoryBytes || 1)))
}

/** US dollars for a share of a machine for so long. 0 where the machine states no price. */
export function usdOf(usdPerHour: number, share: number, ms: number): number {
  return (usdPerHour / MS_PER_HOUR) * share * ms
}

/** Peers that are named before the others are counted. */
const NAMED_MAX = 3

/** Why money does not count where work is placed among these, in words; undefined where all state a price. One that states none switches it off. */
export function whyNoPrices(peers: readonly { name: string; usdPerHour: number }[]): string | undefined {
  const names = peers.filter(({ usdPerHour }) => usdPerHour === 0).map(({ name }) => name)
  if (names.length === 0) return undefined
  if (names.length === peers.length) return 'prices do not count: no peer states one'
  const more = names.length > NAMED_MAX ? [`${names.length - NAMED_MAX} more`] : []
  const told = [...names.slice(0, NAMED_MAX), ...more]
  const who = told.length === 1 ? told[0] : `${told.slice(0, -1).join(', ')} and ${told.at(-1)}`
  return `prices do not count: ${who} ${names.length === 1 ? 'states' : 'state'} none`
}
