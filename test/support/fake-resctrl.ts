import { countWays, maskOf, parseMask, parseSchemata, type WayMask } from '../../src/core/llc/way-mask.ts'
import type { ResctrlFiles } from '../../src/runtime/llc/resctrl-files.ts'

/** A processor. */
export interface FakeProcessor {
  /** Groups that can be, the root's included. @default 16 */
  readonly closids?: number
  /** The same of memory bandwidth; absent: that is not controlled. */
  readonly memoryClosids?: number
  /** Groups that can be counted, the root's included; 0: nothing is. @default 64 */
  readonly rmids?: number
  /** Of each cache; 0: they cannot be given out. @default 20 */
  readonly ways?: number
  /** @default 1 */
  readonly waysMin?: number
  /** Whether the ways of a mask may have gaps. @default false */
  readonly sparse?: boolean
  /** Ids of the caches. @default [0] */
  readonly domains?: readonly number[]
  /** Threads that exist, all in the root group. @default [1] */
  readonly threads?: readonly number[]
}

interface Group {
  readonly masks: Map<number, number>
  exclusive: boolean
}

/**
 * The kernel's resctrl in memory, with its rules (fs/resctrl and arch/x86 of Linux 6): what it refuses it refuses by the same code, leaves all as
 * it was, and says why in `info/last_cmd_status`. A plain folder would accept anything.
 */
export class FakeResctrl implements ResctrlFiles {
  readonly #processor: Required<Omit<FakeProcessor, 'threads' | 'memoryClosids'>> & Pick<FakeProcessor, 'memoryClosids'>
  /** By path: of the root '', of a class its name, of a counter `CLASS/mon_groups/NAME`. */
  readonly #groups = new Map<string, Group>()
  readonly #monitors = new Set<string>()
  /** By thread, the class that it is in, and the counter below it, if any. */
  readonly #threads = new Map<number, { group: string; monitor: string | undefined }>()
  readonly #occupancy = new Map<string, number | 'Unavailable'>()
  #status = 'ok'
  /** Counters that were given up and still count what is left. */
  limbo = 0
  /** Every command, in order: what was made, removed and written. */
  readonly commands: string[] = []
  /** Set: every command fails so. */
  broken: string | undefined
  /** Called before each write. */
  onWrite: (path: string, text: string) => void = () => {}

  constructor({ threads = [1], ...processor }: FakeProcessor = {}) {
    this.#processor = { closids: 16, rmids: 64, ways: 20, waysMin: 1, sparse: false, domains: [0], ...processor }
    this.#groups.set('', this.#newGroup())
    for (const thread of threads) this.start(thread)
  }

  /** A thread begins, in the group of whoever starts it. */
  start(thread: number, parent?: number): void {
    this.#threads.set(thread, parent === undefined ? { group: '', monitor: undefined } : { ...this.#place(parent) })
  }

  /** A thread ends. */
  end(thread: number): void {
    this.#threads.delete(thread)
  }

  /** The class that a thread is in; the root's name is empty. */
  groupOf(thread: number): string | undefined {
    return this.#threads.get(thread)?.group
  }

  /** What a group is counted to hold. */
  occupy(group: string, bytes: number | 'Unavailable'): void {
    this.#occupancy.set(group, bytes)
  }

  /** Another agent keeps the ways of its group for itself. */
  setExclusive(group: string): void {
    const found = this.#groups.get(group)
    if (found !== undefined) found.exclusive = true
  }

  async read(path: string): Promise<string> {
    const { ways, waysMin, closids, memoryClosids, rmids, sparse } = this.#processor
    const files: Record<string, string> = {
      'info/last_cmd_status': this.#status,
      ...(ways === 0
        ? {}
        : {
            'info/L3/num_closids': String(closids),
            'info/L3/cbm_mask': maskOf(0, ways).toString(16),
            'info/L3/min_cbm_bits': String(waysMin),
            'info/L3/sparse_masks': sparse ? '1' : '0'
          }),
      ...(memoryClosids === undefined ? {} : { 'info/MB/num_closids': String(memoryClosids) }),
      ...(rmids === 0 ? {} : { 'info/L3_MON/num_rmids': String(rmids), 'info/L3_MON/mon_features': 'llc_occupancy\nmbm_total_bytes' })
    }
    const known = files[path]
    if (known !== undefined) return `${known}\n`
    const [folder, name] = split(path)
    if (name === 'schemata' && this.#groups.has(folder)) return this.#schemata(folder)
    if (name === 'tasks' && this.#exists(folder))
      return this.#threadsOf(folder)
        .map(thread => `${thread}\n`)
        .join('')
    const group = /^(?:(.*)\/)?mon_data\/mon_L3_\d+$/.exec(folder)
    if (name === 'llc_occupancy' && group !== null && this.#exists(group[1] ?? '')) return `${this.#occupancy.get(group[1] ?? '') ?? 0}\n`
    throw failure('ENOENT')
  }

  async write(path: string, text: string): Promise<void> {
    this.onWrite(path, text)
    this.#begin(`${path} ${text.trim()}`)
    const [folder, name] = split(path)
    if (name === 'schemata' && this.#groups.has(folder)) return this.#setMasks(folder, text)
    if (name === 'tasks' && this.#exists(folder)) return this.#moveThreads(folder, text)
    throw failure('ENOENT')
  }

  async mkdir(path: string): Promise<void> {
    this.#begin(`mkdir ${path}`)
    const { closids, memoryClosids = closids, ways, rmids } = this.#processor
    if (this.#exists(path)) throw failure('EEXIST')
    const [parent, name] = split(path)
    const isMonitor = split(parent)[1] === 'mon_groups' && this.#groups.has(split(parent)[0])
    if (!isMonitor && (parent !== '' || ways === 0 || name === 'mon_groups')) throw failure('EPERM')
    if (!isMonitor && this.#groups.size >= Math.min(closids, memoryClosids)) throw this.#refuse('ENOSPC', 'Out of CLOSIDs')
    if (rmids > 0 && this.#groups.size + this.#monitors.size + this.limbo >= rmids) {
      throw this.#refuse(this.limbo > 0 ? 'EBUSY' : 'ENOSPC', 'Out of RMIDs')
    }
    if (isMonitor && rmids === 0) throw failure('EPERM')
    if (isMonitor) this.#monitors.add(path)
    else this.#groups.set(path, this.#newGroup())
  }

  async rmdir(path: string): Promise<void> {
    this.#begin(`rmdir ${path}`)
    if (path === '' || path === 'info') throw failure('EPERM')
    if (!this.#exists(path)) throw failure('ENOENT')
    for (const place of this.#threads.values()) {
      if (place.monitor === path) place.monitor = undefined
      if (place.group !== path) continue
      place.group = ''
      place.monitor = undefined
    }
    const below = [...this.#monitors].filter(monitor => monitor.startsWith(`${path}/`))
    for (const monitor of below) this.#monitors.delete(monitor)
    this.#groups.delete(path)
    this.#monitors.delete(path)
    this.#occupancy.delete(path)
    if (this.#processor.rmids > 0) this.limbo += 1 + below.length
  }

  async folders(path: string): Promise<readonly string[]> {
    const { ways, memoryClosids, rmids, domains } = this.#processor
    const counted = rmids > 0 ? ['mon_groups', 'mon_data'] : []
    if (path === '') return ['info', ...counted, ...[...this.#groups.keys()].filter(name => name !== '')]
    if (path === 'info')
      return [...(ways > 0 ? ['L3'] : []), ...(memoryClosids === undefined ? [] : ['MB']), ...(rmids > 0 ? ['L3_MON'] : [])]
    const [group, name] = split(path)
    if (name === 'mon_groups' && this.#groups.has(group)) {
      return [...this.#monitors].filter(monitor => split(monitor)[0] === path).map(monitor => split(monitor)[1])
    }
    if (name === 'mon_data' && this.#exists(group) && rmids > 0) return domains.map(id => `mon_L3_${String(id).padStart(2, '0')}`)
    throw failure('ENOENT')
  }

  #begin(command: string): void {
    this.commands.push(command)
    this.#status = 'ok'
    if (this.broken !== undefined) throw this.#refuse('EIO', this.broken)
  }

  #exists(path: string): boolean {
    return this.#groups.has(path) || this.#monitors.has(path)
  }

  #place(thread: number): { group: string; monitor: string | undefined } {
    return this.#threads.get(thread) ?? { group: '', monitor: undefined }
  }

  #newGroup(): Group {
    return { masks: new Map(this.#processor.domains.map(id => [id, maskOf(0, Math.max(1, this.#processor.ways))])), exclusive: false }
  }

  #schemata(folder: string): string {
    const { ways, memoryClosids, domains } = this.#processor
    const masks = [...(this.#groups.get(folder)?.masks ?? [])].map(([id, mask]) => `${id}=${mask.toString(16).padStart(5, '0')}`)
    const bandwidth = memoryClosids === undefined ? '' : `    MB:${domains.map(id => `${id}=100`).join(';')}\n`
    return `${bandwidth}${ways === 0 ? '' : `    L3:${masks.join(';')}\n`}`
  }

  #threadsOf(path: string): number[] {
    return [...this.#threads].filter(([, { group, monitor }]) => group === path || monitor === path).map(([thread]) => thread)
  }

  #setMasks(folder: string, text: string): void {
    const { ways, waysMin, sparse } = this.#processor
    const group = this.#groups.get(folder) as Group
    const next = new Map(group.masks)
    for (const [resource, values] of parseSchemata(text)) {
      if (resource !== 'L3' || ways === 0) throw this.#refuse('EINVAL', `Unknown or unsupported resource name '${resource}'`)
      for (const [id, value] of values) {
        if (!next.has(id)) throw this.#refuse('EINVAL', `Unknown domain ${id}`)
        const mask = parseMask(value)
        if (mask === undefined) throw this.#refuse('EINVAL', `Non-hex character in the mask ${value}`)
        if ((waysMin > 0 && mask === 0) || mask >= 2 ** ways) throw this.#refuse('EINVAL', 'Mask out of range')
        if (!sparse && !isContiguous(mask)) throw this.#refuse('EINVAL', `The mask ${value} has non-consecutive 1-bits`)
        if (countWays(mask) < waysMin) throw this.#refuse('EINVAL', `Need at least ${waysMin} bits in the mask`)
        const others = [...this.#groups.values()].filter(other => other !== group && (other.exclusive || group.exclusive))
        if (others.some(({ masks }) => ((masks.get(id) ?? 0) & mask) !== 0)) throw this.#refuse('EINVAL', 'Overlaps with exclusive group')
        next.set(id, mask)
      }
    }
    for (const [id, mask] of next) group.masks.set(id, mask)
  }

  #moveThreads(folder: string, text: string): void {
    const monitor = this.#monitors.has(folder) ? folder : undefined
    const group = monitor === undefined ? folder : split(split(folder)[0])[0]
    for (const part of text.trim() === '' ? [] : text.trim().split(',')) {
      const thread = Number(part)
      const place = this.#threads.get(thread)
      if (place === undefined) throw this.#refuse('ESRCH', `No task ${thread}`)
      if (monitor !== undefined && place.group !== group) throw this.#refuse('EINVAL', "Can't move task to different control group")
      if (place.group !== group) place.monitor = undefined
      place.group = group
      if (monitor !== undefined) place.monitor = monitor
      else place.monitor = undefined
    }
  }

  #refuse(code: string, status: string): Error {
    this.#status = status
    return failure(code)
  }
}

/** A machine that says this of itself, by path. The cache is one of 20 ways of 1 MiB each. */
export function machineOf(files: Readonly<Record<string, string>> = {}): (path: string) => string | undefined {
  const usual: Readonly<Record<string, string>> = {
    '/proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu rdt_a cat_l3 cqm_llc\n',
    '/proc/filesystems': 'nodev\tsysfs\nnodev\tresctrl\n\text4\n',
    '/sys/devices/system/cpu/cpu0/cache/index3/size': '20480K\n',
    '/sys/devices/system/cpu/cpu0/cache/index3/id': '0\n',
    '/sys/devices/system/cpu/cpu0/cache/index3/ways_of_associativity': '20\n'
  }
  return path => ({ ...usual, ...files })[path]
}

/** Whether the ways of a mask are in a row. The empty mask is not contiguous. */
export function isContiguous(mask: WayMask): boolean {
  return mask !== 0 && maskOf(31 - Math.clz32(mask & -mask), countWays(mask)) === mask >>> 0
}

function split(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf('/')
  return at === -1 ? ['', path] : [path.slice(0, at), path.slice(at + 1)]
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code })
}
