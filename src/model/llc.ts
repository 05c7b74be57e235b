import { formatBytes } from './units.ts'

/**
 * What a peer does about its last-level cache, after Fsched. `enforced`: it gives functions cache ways of their own. `monitor`: it measures how much
 * each uses. `advisory`: it only reckons with what functions are expected to need. `none`: not even that.
 */
export const LLC_MODES = ['enforced', 'monitor', 'advisory', 'none'] as const

/** See {@link LLC_MODES}. */
export type LlcMode = (typeof LLC_MODES)[number]

/** Why a mode is what it is, by the code that peers gossip. */
const REASONS = {
  allocates: 'resctrl gives functions ways of their own once their need has been measured (cares bench NAME --ways)',
  unknown: 'the machine has not been looked at yet',
  off: 'turned off by --llc off',
  no_cache: 'the machine does not say that it has a level 3 cache',
  engine_elsewhere: 'the container engine is on another machine',
  processes: 'functions run as plain processes, which are not told apart',
  no_processor: 'this processor, or the virtual machine, offers no control of its cache (no rdt_a in /proc/cpuinfo)',
  no_kernel: 'this kernel has no resctrl (CONFIG_X86_CPU_RESCTRL)',
  not_mounted: 'resctrl is not mounted (mount -t resctrl resctrl /sys/fs/resctrl)',
  not_permitted: 'this user may not write to /sys/fs/resctrl; root may',
  no_allocation: 'resctrl controls something else than the level 3 cache here',
  no_class: 'all classes that resctrl has are in use by others',
  broke: 'resctrl did not do what it was told; the log of the peer says what'
} as const

/** See {@link LlcState.reason}. */
export type LlcReason = keyof typeof REASONS

/** The last-level cache of a peer, as it reports it. */
export interface LlcState {
  readonly mode: LlcMode
  /** One of `LlcReason`, or a word of a newer version: say it by {@link reasonText}. */
  readonly reason: string
  /** Of all caches of the machine together; 0: not known. */
  readonly bytes: number
  /** Into which each of them can be divided; 0: not known. */
  readonly ways: number
  /** What the functions that run there are expected to need together. Never measured. */
  readonly expectedBytes: number
  /** What was in use when it was last looked, as the processor counts it. Absent: it is not counted. */
  readonly usedBytes?: number | undefined
  /** Classes that divide the cache now. Absent: none. */
  readonly classes?: number | undefined
}

/** How a need of cache was found: assumed, counted by the processor, or by runs with few and with many ways. */
export const CACHE_BASES = ['assumed', 'occupancy', 'ways'] as const

/** What a function is expected to want of the last-level cache. A prediction, also where it rests on measurements. */
export interface CacheNeed {
  /** With so much of it a run takes at most a twentieth longer than with all. */
  readonly bytes: number
  /** By what share a run takes longer with next to none: 0.3 for 30 %. */
  readonly slowdown: number
  readonly basis: (typeof CACHE_BASES)[number]
}

/** Header of a call that is to run confined to this many cache ways, so that their effect is measured. Only peers in mode `enforced` accept it. */
export const WAYS_HEADER = 'x-cares-ways'

/** A reason in words. */
export function reasonText(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as LlcReason] : reason
}

/** The state in one line, e.g. `advisory: 32Mi in 16 ways, nothing is enforced: this kernel has no resctrl (…)`. */
export function llcText({ mode, reason, bytes, ways, expectedBytes, usedBytes }: LlcState): string {
  if (mode === 'none') return `none: ${reasonText(reason)}`
  const size = `${formatBytes(bytes)}${ways === 0 ? '' : ` in ${ways} ways`}`
  const use = `${formatBytes(expectedBytes)} expected to be needed${usedBytes === undefined ? '' : `, ${formatBytes(usedBytes)} measured in use`}`
  return `${mode}: ${size}, ${use}${mode === 'enforced' ? '' : ', nothing is enforced'}: ${reasonText(reason)}`
}
