/** What the own cgroup, and those above it, allow. A field is absent where nothing limits it. */
export interface CgroupLimits {
  readonly cpus?: number | undefined
  readonly memoryBytes?: number | undefined
}

/** Where the own cgroup is, from the text of `/proc/self/cgroup`: one line for each hierarchy of version 1, and `0::` for version 2. */
export interface CgroupPaths {
  /** Version 1, by controller. */
  readonly v1: Readonly<Record<string, string>>
  readonly v2?: string | undefined
}

/** Version 1 writes "no limit" as the largest number of whole pages; anything near it is no machine's memory. */
const UNLIMITED_BYTES = 2 ** 60

/** A file's text, or undefined when it is not there. */
export type ReadText = (path: string) => string | undefined

/**
 * The least limits on the way from the own cgroup to the root: a parent's limit holds for its children, too. In a container the own path may not
 * be there (it is the host's name for it) while the root is the own cgroup, so the root is always looked at.
 */
export function readCgroupLimits(read: ReadText, root = '/sys/fs/cgroup'): CgroupLimits {
  const { v1, v2 } = parseCgroupPaths(read('/proc/self/cgroup') ?? '')
  const cpus: number[] = []
  const memoryBytes: number[] = []
  const add = (list: number[], limit: number | undefined): void => {
    if (limit !== undefined) list.push(limit)
  }
  for (const folder of upwards(v2 ?? '/')) {
    add(cpus, parseCpuMax(read(`${root}${folder}/cpu.max`) ?? ''))
    add(memoryBytes, parseMemoryLimit(read(`${root}${folder}/memory.max`) ?? ''))
  }
  for (const folder of upwards(v1['cpu'] ?? '/')) {
    const quotaUs = read(`${root}/cpu${folder}/cpu.cfs_quota_us`)
    const periodUs = read(`${root}/cpu${folder}/cpu.cfs_period_us`)
    if (quotaUs !== undefined && periodUs !== undefined) add(cpus, parseCpuMax(`${quotaUs.trim()} ${periodUs.trim()}`))
  }
  for (const folder of upwards(v1['memory'] ?? '/')) {
    add(memoryBytes, parseMemoryLimit(read(`${root}/memory${folder}/memory.limit_in_bytes`) ?? ''))
  }
  return { cpus: least(cpus), memoryBytes: least(memoryBytes) }
}

/** See {@link CgroupPaths}. */
export function parseCgroupPaths(text: string): CgroupPaths {
  const v1: Record<string, string> = {}
  let v2: string | undefined
  for (const line of text.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line)
    if (match === null) continue
    const [, hierarchy, controllers = '', path = '/'] = match
    if (hierarchy === '0' && controllers === '') v2 = path
    for (const controller of controllers.split(',')) if (controller !== '') v1[controller] = path
  }
  return { v1, v2 }
}

/** Cores from `cpu.max` (`150000 100000`, or `max 100000`); version 1's quota of -1 means none, too. */
export function parseCpuMax(text: string): number | undefined {
  const match = /^(\d+) (\d+)\s*$/.exec(text)
  const cpus = Number(match?.[1]) / Number(match?.[2])
  return cpus > 0 && Number.isFinite(cpus) ? cpus : undefined
}

/** Bytes from `memory.max` or `memory.limit_in_bytes`. */
export function parseMemoryLimit(text: string): number | undefined {
  const bytes = /^\d+\s*$/.test(text) ? Number(text) : Number.NaN
  return bytes > 0 && bytes < UNLIMITED_BYTES ? bytes : undefined
}

/** `/a/b`, `/a`, and the root as the empty string. */
function upwards(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, up) =>
    parts
      .slice(0, parts.length - up)
      .map(part => `/${part}`)
      .join('')
  )
}

function least(limits: readonly number[]): number | undefined {
  return limits.length === 0 ? undefined : Math.min(...limits)
}
