/** Of an empty machine, 10 for each resource; of a full one 1. */
const FULL = 20
const SPAN = 18

/**
 * How full a machine is, from 0 (empty) to 1 (full): `(20 - 10^freeCpu - 10^freeMemory) / 18` with the free shares (BestFit v3, from Google's
 * data centres by way of Nomad). By the exponential, what is taken of an empty machine counts more than the last bit of a full one. Loads above 1
 * count as 1.
 */
export function fitOf(cpuLoad: number, memoryLoad: number): number {
  return (FULL - 10 ** Math.max(0, 1 - cpuLoad) - 10 ** Math.max(0, 1 - memoryLoad)) / SPAN
}
