import type { LlcMode, LlcReason } from '../../model/llc.ts'
import type { ReadText } from '../cgroup-limits.ts'
import { parseBytes } from '../../model/units.ts'
import { Resctrl, type ResctrlInfo, ROOT_GROUP } from './resctrl.ts'
import type { ResctrlFiles } from './resctrl-files.ts'

/** What there is of the last-level cache, and what can be done about it. */
export interface Llc {
  readonly mode: LlcMode
  readonly reason: LlcReason
  /** Of all caches together; 0: not known. */
  readonly bytes: number
  /** 0: not known. */
  readonly ways: number
  readonly info?: ResctrlInfo | undefined
}

/** How functions run here, as far as their cache is concerned. */
export interface LlcQuestion {
  /** Their threads can be told apart, on this machine. */
  readonly seesThreads: boolean
  /** Why not, if they cannot. */
  readonly why: LlcReason
  /** Groups that begin so are an earlier life's, and as good as free. */
  readonly prefix: string
}

/** Machines have fewer. */
const CPUS_MAX = 8_192

/**
 * Looks step by step, and stops at the first that fails: the size of the cache, the processor, the kernel, the mount, the permission, what resctrl
 * controls. Nothing is changed. A machine that can only be looked at is no worse for running functions.
 */
export async function detectLlc(files: ResctrlFiles, read: ReadText, { seesThreads, why, prefix }: LlcQuestion): Promise<Llc> {
  const { bytes, ways } = readCaches(read)
  if (bytes === 0) return { mode: 'none', reason: 'no_cache', bytes: 0, ways: 0 }
  const only = (mode: LlcMode, reason: LlcReason, info?: ResctrlInfo): Llc => ({ mode, reason, bytes, ways, info })
  if (!seesThreads) return only(why === 'engine_elsewhere' ? 'none' : 'advisory', why)
  // Monitoring alone has flags of its own (cqm_llc), and is worth having.
  if (!/^flags\s*:.*\b(rdt_a|cat_l3|cqm_llc|cqm_occup_llc)\b/m.test(read('/proc/cpuinfo') ?? '')) return only('advisory', 'no_processor')
  if (!/\bresctrl$/m.test(read('/proc/filesystems') ?? '')) return only('advisory', 'no_kernel')
  const resctrl = new Resctrl(files)
  let info: ResctrlInfo
  try {
    info = await resctrl.info()
  } catch {
    // Nothing is there, or nothing that may be read.
    return only('advisory', 'not_mounted')
  }
  if (!(await mayWrite(files))) return only('advisory', 'not_permitted', info)
  const { allocation, monitors } = info
  if (allocation === undefined) return only(monitors ? 'monitor' : 'advisory', 'no_allocation', info)
  const foreign = (await resctrl.groups()).filter(name => !name.startsWith(prefix))
  const free = allocation.groupsMax - 1 - foreign.length
  const shape = { bytes, ways: allocation.ways, info }
  if (free < 1) return { mode: monitors ? 'monitor' : 'advisory', reason: 'no_class', ...shape }
  return { mode: 'enforced', reason: 'allocates', ...shape }
}

/** Level 3 caches as the kernel lists them for each core: those that cores share count once. */
function readCaches(read: ReadText): { bytes: number; ways: number } {
  const seen = new Set<string>()
  let [bytes, ways] = [0, 0]
  for (let cpu = 0; cpu < CPUS_MAX; cpu++) {
    const folder = `/sys/devices/system/cpu/cpu${cpu}/cache/index3`
    const size = /^(\d+)K$/.exec((read(`${folder}/size`) ?? '').trim())?.[1]
    if (size === undefined) {
      // A core that is switched off has no caches, but the next one may.
      if (read(`/sys/devices/system/cpu/cpu${cpu}/online`)?.trim() === '0') continue
      break
    }
    const id = read(`${folder}/id`)?.trim() ?? read(`${folder}/shared_cpu_list`)?.trim() ?? ''
    if (seen.has(id)) continue
    seen.add(id)
    bytes += parseBytes(`${size}Ki`)
    ways = Math.max(ways, Number(read(`${folder}/ways_of_associativity`)?.trim() ?? 0) || 0)
  }
  return { bytes, ways }
}

/** An empty write to the root's tasks moves nobody, and is refused to those who may not. */
async function mayWrite(files: ResctrlFiles): Promise<boolean> {
  try {
    await files.write(`${ROOT_GROUP}tasks`, '\n')
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS'
  }
}
