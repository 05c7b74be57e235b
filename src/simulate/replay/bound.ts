import { capacityOf, type MachineSpec } from './fleet.ts'
import type { Workload } from '../workload/workload.ts'

/**
 * The least time in which any schedule can do all the work, in milliseconds: the larger of what the resources allow together (`area`: for each
 * of cores, memory and graphics processors, demand times time over all there is) and what the longest call takes on the fastest machine that
 * can have it, counted from its arrival.
 */
export function makespanBoundMs({ functions, functionOf, runMs, arrivalMs }: Workload, fleet: readonly MachineSpec[]): number {
  const fastest = Math.max(...fleet.map(({ speed }) => speed))
  const fastestWithGpu = Math.max(0, ...fleet.filter(({ gpus }) => gpus > 0).map(({ speed }) => speed))
  const memory = fleet.reduce((sum, { memoryBytes, speed }) => sum + memoryBytes * speed, 0)
  const gpus = fleet.reduce((sum, each) => sum + each.gpus * each.speed, 0)
  let [coreMs, byteMs, gpuMs, longestMs] = [0, 0, 0, 0]
  for (const [call, ms] of runMs.entries()) {
    const fn = functions[functionOf[call] ?? 0]
    if (fn === undefined) continue
    coreMs += ms * fn.cpus
    byteMs += ms * fn.memoryBytes
    gpuMs += ms * fn.gpus
    longestMs = Math.max(longestMs, (arrivalMs[call] ?? 0) + ms / (fn.gpus > 0 ? fastestWithGpu : fastest))
  }
  return Math.max(coreMs / capacityOf(fleet), byteMs / memory, gpus > 0 ? gpuMs / gpus : 0, longestMs)
}
