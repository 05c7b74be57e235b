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
