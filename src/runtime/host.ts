import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import systeminformation from 'systeminformation'
import { CaresError } from '../model/errors.ts'
import type { Capacity } from '../model/peer.ts'
import type { Host, HostUse } from '../model/ports/runtime.ts'
import { readCgroupLimits, type ReadText } from './cgroup-limits.ts'
import { readPressure } from './pressure.ts'
import { cpusBetween, type CpuTicks, parseMeminfo, parseStat } from './host-proc.ts'

/** What the peer may use when its operator does not say: not all memory, since the machine and the peer need some to live. */
const MEMORY_SHARE_RATIO = 0.9

/** How much of this machine the peer may use. */
export interface HostInit {
  /** From `--cpus`: at most so many cores are used. It can only lower what machine and cgroup give. */
  readonly cpus?: number | undefined
  /** From `--memory`: at most so much is used. It can only lower what machine and cgroup give. @default 90 % of that */
  readonly memoryBytes?: number | undefined
  /** A path on the disk whose use is told: the data directory. */
  readonly dataPath: string
}

/** Measures this machine once for its capacity. On Linux from `/proc` and the own cgroup, elsewhere through `systeminformation`. */
export async function openHost(init: HostInit, read: ReadText = readIfThere): Promise<Host> {
  const machine = await measureMachine(read)
  const disk = await statfs(init.dataPath).catch((cause: unknown) => {
    throw new CaresError('invalid', `the disk of ${init.dataPath} cannot be looked at`, { cause })
  })
  const capacity = toCapacity(machine, readCgroupLimits(read), init, disk.blocks * disk.bsize)
  let before = ticks(read)
  let cpus: Pick<HostUse, 'cpusUsed' | 'cpusStolen'> = { cpusUsed: 0 }
  const sampleCpus = async (): Promise<typeof cpus> => {
    const after = ticks(read)
    if (before === undefined || after === undefined) {
      return { cpusUsed: ((await systeminformation.currentLoad()).currentLoad / 100) * machine.cpus }
    }
    // Two samples within one clock tick tell nothing; the last one still holds then.
    if (after.total > before.total) {
      const [cpusUsed, cpusStolen] = (['busy', 'stolen'] as const).map(what => cpusBetween(what, before ?? after, after, machine.cpus))
      cpus = { cpusUsed: cpusUsed ?? 0, cpusStolen }
    }
    before = after
    return cpus
  }
  return {
    capacity,
    sample: async (): Promise<HostUse> => {
      const [used, memory, { blocks, bfree, bsize }] = await Promise.all([sampleCpus(), measureMemory(read), statfs(init.dataPath)])
      return {
        cpusUsed: ofShare(used.cpusUsed, machine.cpus, capacity.cpus),
        ...(used.cpusStolen === undefined ? {} : { cpusStolen: ofShare(used.cpusStolen, machine.cpus, capacity.cpus) }),
        memoryUsedBytes: Math.round(ofShare(memory.totalBytes - memory.availableBytes, memory.totalBytes, capacity.memoryBytes)),
        diskUsedBytes: (blocks - bfree) * bsize,
        pressure: readPressure(read)
      }
    }
  }
}

/**
 * Use of a machine as use of the share of it that a peer may have, both in the same unit: where half of the machine is in use, half of every share
 * is. A machine that has more than it shares would else seem overfull (three of its 16 GiB in use are not 300 % of a share of one), and what is left
 * of a share is never said to be more than the machine has left.
 */
export function ofShare(used: number, machine: number, share: number): number {
  return machine <= share ? Math.min(used, share) : (used * share) / machine
}

/** The least of machine, cgroup and flags. */
export function toCapacity(
  machine: { readonly cpus: number; readonly memoryBytes: number },
  cgroup: { readonly cpus?: number | undefined; readonly memoryBytes?: number | undefined },
  flags: { readonly cpus?: number | undefined; readonly memoryBytes?: number | undefined },
  diskBytes: number
): Capacity {
  const memoryBytes = Math.min(machine.memoryBytes, cgroup.memoryBytes ?? Number.POSITIVE_INFINITY)
  return {
    cpus: Math.min(machine.cpus, cgroup.cpus ?? machine.cpus, flags.cpus ?? machine.cpus),
    memoryBytes: Math.floor(Math.min(memoryBytes, flags.memoryBytes ?? memoryBytes * MEMORY_SHARE_RATIO)),
    diskBytes
  }
}

/** Cores and memory of the machine, whatever limits there are. */
export async function measureMachine(read: ReadText): Promise<{ cpus: number; memoryBytes: number }> {
  const { totalBytes } = await measureMemory(read)
  return { cpus: availableParallelism(), memoryBytes: totalBytes }
}

async function measureMemory(read: ReadText): Promise<{ totalBytes: number; availableBytes: number }> {
  const known = parseMeminfo(read('/proc/meminfo') ?? '')
  if (known !== undefined) return known
  const { total, available } = await systeminformation.mem()
  return { totalBytes: total, availableBytes: available }
}

function ticks(read: ReadText): CpuTicks | undefined {
  return parseStat(read('/proc/stat') ?? '')
}

/** Files of `/proc` and `/sys` are in memory: reading one takes microseconds, less than handing it to another thread. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
