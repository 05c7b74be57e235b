import { readFileSync } from 'node:fs'
import type { Measured } from './driver.ts'

/**
 * Between two samples of a one-shot program. Its cgroup, and all its numbers with it, is removed by the engine some 12 ms after the program has
 * ended (measured; 11.9 to 28 ms in 10 runs), so a sample every 10 ms almost always sees the final numbers. Two reads take about 20 µs.
 */
export const SAMPLE_MS = 10

/** Reads what a cgroup has used so far; undefined when it is not there (any more), or not to be seen from here. */
export type CgroupReader = () => Measured | undefined

/** How an engine lays out its cgroups, as `docker info` says. */
export interface CgroupLayout {
  readonly version: '1' | '2'
  readonly driver: 'cgroupfs' | 'systemd' | (string & {})
}

/**
 * A reader of one container's counters. CPU time is all of the container's processes, user and system. The memory peak is the kernel's own high
 * mark, page cache included; kernels before 5.19 have none in version 2, and then it is the present use.
 */
export function cgroupReader({ version, driver }: CgroupLayout, container: string, root = '/sys/fs/cgroup'): CgroupReader {
  const group = driver === 'systemd' ? `system.slice/docker-${container}.scope` : `docker/${container}`
  if (version === '1') {
    return () => {
      const cpuNs = readNumber(`${root}/cpuacct/${group}/cpuacct.usage`)
      const memoryPeakBytes = readNumber(`${root}/memory/${group}/memory.max_usage_in_bytes`)
      if (cpuNs === undefined && memoryPeakBytes === undefined) return undefined
      return { cpuMs: cpuNs === undefined ? undefined : cpuNs / 1e6, memoryPeakBytes }
    }
  }
  return () => {
    const stat = readText(`${root}/${group}/cpu.stat`)
    if (stat === undefined) return undefined
    const memoryPeakBytes = readNumber(`${root}/${group}/memory.peak`) ?? readNumber(`${root}/${group}/memory.current`)
    return { cpuMs: parseCpuStatMs(stat), memoryPeakBytes }
  }
}

/** A process of the container, to look at its network from outside; undefined when it cannot be seen. */
export function cgroupProcess({ version, driver }: CgroupLayout, container: string, root = '/sys/fs/cgroup'): number | undefined {
  const group = driver === 'systemd' ? `system.slice/docker-${container}.scope` : `docker/${container}`
  const text = readText(version === '1' ? `${root}/cpuacct/${group}/cgroup.procs` : `${root}/${group}/cgroup.procs`)
  const pid = Number.parseInt(text ?? '', 10)
  return pid > 0 ? pid : undefined
}

/** Milliseconds from the `usage_usec` line of a version 2 `cpu.stat`. */
export function parseCpuStatMs(text: string): number | undefined {
  const match = /^usage_usec (\d+)$/m.exec(text)
  return match === null ? undefined : Number(match[1]) / 1_000
}

/** The lowest TCP port with a listener, from the text of `/proc/<pid>/net/tcp` or `tcp6` (proc_net_tcp: state 0A is LISTEN). */
export function parseListeningPort(text: string): number | undefined {
  const ports = [...text.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm)].map(([, port]) =>
    Number.parseInt(port ?? '', 16)
  )
  return ports.length === 0 ? undefined : Math.min(...ports)
}

/** See {@link parseListeningPort}; for the network that the process is in. */
export function listeningPort(pid: number, root = '/proc'): number | undefined {
  return parseListeningPort(`${readText(`${root}/${pid}/net/tcp`) ?? ''}\n${readText(`${root}/${pid}/net/tcp6`) ?? ''}`)
}

function readNumber(path: string): number | undefined {
  const number = Number.parseInt(readText(path) ?? '', 10)
  return Number.isNaN(number) ? undefined : number
}

/** These are files of the kernel, in memory: reading one takes microseconds, less than handing it to another thread. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
