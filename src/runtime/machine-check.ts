import type { HealthCheck } from '../model/service.ts'
import { formatBytes } from '../model/units.ts'
import { readCgroupLimits, type ReadText } from './cgroup-limits.ts'
import { measureMachine, readIfThere, toCapacity } from './host.ts'

/** A peer takes about as much itself, and the smallest useful container as much again. */
const MEMORY_BYTES_MIN = 2 ** 28

/** What functions could get of this machine, and whether that is as much as was asked for. */
export async function machineCheck(
  { cpus, memoryBytes }: { cpus?: number | undefined; memoryBytes?: number | undefined },
  read: ReadText = readIfThere
): Promise<HealthCheck> {
  const name = 'machine'
  const machine = await measureMachine(read)
  const cgroup = readCgroupLimits(read)
  const there = toCapacity(machine, cgroup, {}, 0)
  const given = toCapacity(machine, cgroup, { cpus, memoryBytes }, 0)
  const isLimited = there.cpus < machine.cpus || (cgroup.memoryBytes ?? Number.POSITIVE_INFINITY) < machine.memoryBytes
  const limit = isLimited ? `; its cgroup allows no more of ${machine.cpus} cores and ${formatBytes(machine.memoryBytes)}` : ''
  const raise = isLimited ? ', or raise the limit: docker run --cpus, --memory, or the unit of systemd' : ''
  if (cpus !== undefined && cpus > given.cpus) {
    return {
      name,
      ok: false,
      message: `${cpus} cores are to be shared, and there are ${given.cpus}${limit}`,
      hint: `cares peer --cpus ${given.cpus}${raise}`
    }
  }
  if (memoryBytes !== undefined && memoryBytes > given.memoryBytes) {
    const message = `${formatBytes(memoryBytes)} of memory are to be shared, and there are ${formatBytes(given.memoryBytes)}${limit}`
    return { name, ok: false, message, hint: `cares peer --memory ${formatBytes(there.memoryBytes)}${raise}` }
  }
  const message = `${given.cpus} ${given.cpus === 1 ? 'core' : 'cores'} and ${formatBytes(given.memoryBytes)} of memory for functions${limit}`
  if (given.memoryBytes >= MEMORY_BYTES_MIN) return { name, ok: true, message }
  return { name, ok: false, message: `${message}: hardly enough for the peer and one container`, hint: `give it more memory${raise}` }
}
