import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Measured } from './driver.ts'

/**
 * Between two samples of a one-shot program. Its cgroup, and all its numbers with it, is removed by the engine some 12 ms after the program has
 * ended (measured; 11.9 to 28 ms in 10 runs), so a sample every 10 ms almost always sees the final numbers. Two reads take about 20 µs.
 */
export const SAMPLE_MS = 10

/** Reads what a cgroup has used so far. */
export interface CgroupReader {
  /** Undefined when the cgroup is not there (any more), or not to be seen from here. */
  read(): Measured | undefined
  close(): void
}

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
    const cpu = new KernelFile(`${root}/cpuacct/${group}/cpuacct.usage`)
    const memory = new KernelFile(`${root}/memory/${group}/memory.max_usage_in_bytes`)
    return {
      read: () => {
        const cpuNs = parseNumber(cpu.text())
        const memoryPeakBytes = parseNumber(memory.text())
        if (cpuNs === undefined && memoryPeakBytes === undefined) return undefined
        return { cpuMs: cpuNs === undefined ? undefined : cpuNs / 1e6, memoryPeakBytes }
      },
      close: () => [cpu, memory].forEach(file => file.close())
    }
  }
  const cpu = new KernelFile(`${root}/${group}/cpu.stat`)
  const peak = new KernelFile(`${root}/${group}/memory.peak`)
  const current = new KernelFile(`${root}/${group}/memory.current`)
  return {
    read: () => {
      const stat = cpu.text()
      if (stat === undefined) return undefined
      return { cpuMs: parseCpuStatMs(stat), memoryPeakBytes: parseNumber(peak.text()) ?? parseNumber(current.text()) }
    },
    close: () => [cpu, peak, current].forEach(file => file.close())
  }
}

/** The threads of the container, by their ids on this machine; none when they cannot be seen (any more). */
export function cgroupThreads({ version, driver }: CgroupLayout, container: string, root = '/sys/fs/cgroup'): readonly number[] {
  const group = driver === 'systemd' ? `system.slice/docker-${container}.scope` : `docker/${container}`
  // Not `cgroup.procs`, which has the first thread of each process only.
  return numbers(readText(version === '1' ? `${root}/cpuacct/${group}/tasks` : `${root}/${group}/cgroup.threads`))
}

/** A process of the container, to look at its network from outside; undefined when it cannot be seen. */
export function cgroupProcess(layout: CgroupLayout, container: string, root?: string): number | undefined {
  return cgroupProcesses(layout, container, root)[0]
}

/** The processes of the container; none when they cannot be seen. */
export function cgroupProcesses({ version, driver }: CgroupLayout, container: string, root = '/sys/fs/cgroup'): readonly number[] {
  const group = driver === 'systemd' ? `system.slice/docker-${container}.scope` : `docker/${container}`
  return numbers(readText(version === '1' ? `${root}/cpuacct/${group}/cgroup.procs` : `${root}/${group}/cgroup.procs`))
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

/** The IPv4 address of a container with one network, from the text of its `/proc/<pid>/net/fib_trie`; undefined for one with none or several. */
export function parseOwnAddress(text: string): string | undefined {
  const all = [...text.matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address ?? '')
  const own = new Set(all.filter(address => !address.startsWith('127.')))
  return own.size === 1 ? [...own][0] : undefined
}

/** See {@link parseOwnAddress}; for the network that the process is in. */
export function ownAddress(pid: number, root = '/proc'): string | undefined {
  return parseOwnAddress(readText(`${root}/${pid}/net/fib_trie`) ?? '')
}

/** One a line. */
function numbers(text: string | undefined): readonly number[] {
  return (text ?? '')
    .split('\n')
    .map(Number)
    .filter(number => number > 0)
}

function parseNumber(text: string | undefined): number | undefined {
  const number = Number.parseInt(text ?? '', 10)
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

/** The longest is `cpu.stat`, of about 200 bytes. */
const FILE_BYTES_MAX = 4_096

/** A file that is read for every call: kept open, since to open it takes three times as long as to read it. */
class KernelFile {
  readonly #path: string
  readonly #buffer = Buffer.alloc(FILE_BYTES_MAX)
  #descriptor: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  text(): string | undefined {
    try {
      this.#descriptor ??= openSync(this.#path, 'r')
      const bytes = readSync(this.#descriptor, this.#buffer, 0, FILE_BYTES_MAX, 0)
      return this.#buffer.toString('latin1', 0, bytes)
    } catch {
      // Not there yet, not there any more, or never to be seen from here.
      this.close()
      return undefined
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
