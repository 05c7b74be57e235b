import type { Pressure } from '../model/peer.ts'
import { parseCgroupPaths, type ReadText } from './cgroup-limits.ts'
import { parsePressure } from './host-proc.ts'

/**
 * How hard the machine is pressed, as its kernel says; undefined where it does not (before Linux 4.20, elsewhere than on Linux, or switched off).
 * The own cgroup of version 2 says it for itself: one with a limit is pressed while its machine is idle, so the larger of the two counts.
 */
export function readPressure(read: ReadText, root = '/sys/fs/cgroup'): Pressure | undefined {
  const { v2 } = parseCgroupPaths(read('/proc/self/cgroup') ?? '')
  const ratioOf = (what: 'cpu' | 'memory' | 'io', who: 'some' | 'full'): number | undefined => {
    const texts = [read(`/proc/pressure/${what}`), v2 === undefined ? undefined : read(`${root}${v2 === '/' ? '' : v2}/${what}.pressure`)]
    const ratios = texts.flatMap(text => parsePressure(text ?? '', who) ?? [])
    return ratios.length === 0 ? undefined : Math.max(...ratios)
  }
  const cpuRatio = ratioOf('cpu', 'some')
  if (cpuRatio === undefined) return undefined
  return {
    cpuRatio,
    memoryRatio: ratioOf('memory', 'some') ?? 0,
    ioRatio: ratioOf('io', 'some') ?? 0,
    memoryStalledRatio: ratioOf('memory', 'full') ?? 0
  }
}
