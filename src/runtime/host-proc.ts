/** What `/proc/meminfo` says of the machine's memory. */
export interface MemoryInfo {
  readonly totalBytes: number
  /** What could be used by new work without swapping: free memory, and caches that can be given up. */
  readonly availableBytes: number
}

/** CPU time of the whole machine since its start, in clock ticks. */
export interface CpuTicks {
  readonly busy: number
  readonly total: number
  /** The part of `busy` in which the hypervisor ran something else. */
  readonly stolen: number
}

/** From the text of `/proc/meminfo`; undefined where it has other lines than expected. */
export function parseMeminfo(text: string): MemoryInfo | undefined {
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN)
  const totalBytes = kibibytes('MemTotal') * 1024
  // Kernels before 3.14 have no MemAvailable; free memory and the page cache come close.
  const availableBytes =
    (Number.isNaN(kibibytes('MemAvailable')) ? kibibytes('MemFree') + kibibytes('Cached') : kibibytes('MemAvailable')) * 1024
  return Number.isNaN(totalBytes + availableBytes) ? undefined : { totalBytes, availableBytes }
}

/**
 * From the first line of `/proc/stat`: user nice system idle iowait irq softirq steal. Guest time, which follows, is within user already; steal
 * counts as busy, since those cores are not to be had.
 */
export function parseStat(text: string): CpuTicks | undefined {
  const fields = /^cpu\s+(.*)$/m.exec(text)?.[1]?.split(' ').slice(0, 8).map(Number) ?? []
  const [, , , idle = Number.NaN, iowait = 0, , , stolen = 0] = fields
  const total = fields.reduce((sum, field) => sum + field, 0)
  return Number.isNaN(total + idle) ? undefined : { busy: total - idle - iowait, total, stolen }
}

/** Cores in use, or stolen, between two readings, of `cores`. 0 when no time has passed. */
export function cpusBetween(what: 'busy' | 'stolen', before: CpuTicks, after: CpuTicks, cores: number): number {
  const total = after.total - before.total
  return total <= 0 ? 0 : Math.min(cores, Math.max(0, ((after[what] - before[what]) / total) * cores))
}

/**
 * The share of the last ten seconds, from 0 to 1, in which `some` task or all of them (`full`) waited, from the text of a pressure file
 * (`/proc/pressure/*`, or `*.pressure` of a cgroup of version 2). Undefined where it has no such line: CPU had no `full` one before Linux 5.13.
 */
export function parsePressure(text: string, who: 'some' | 'full'): number | undefined {
  const match = new RegExp(`^${who} avg10=(\\d+(?:\\.\\d+)?) `, 'm').exec(text)
  return match === null ? undefined : Math.min(1, Number(match[1]) / 100)
}
