import { capacityOf, type MachineSpec } from './fleet.ts'
import { type Workload, workMs } from '../workload/workload.ts'

const MS_PER_HOUR = 3_600_000

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

/**
 * The least that any placement could have all the work done for within `withinMs`, in US dollars: nothing ever starts, waits or is delayed, and
 * the machines on which a unit of work is cheapest never stop, one after the other until all is done.
 */
export function leastUsd(workload: Workload, fleet: readonly MachineSpec[], withinMs: number): number {
  return filled(workMs(workload), byPriceOfWork(fleet), withinMs).usd
}

/**
 * The same where work cannot be put off for longer than `stepMs`: what arrives in each step of that length fills the cheapest machines for the
 * step. What all machines together cannot do in it is left for the next one. Still nothing starts, and machines are filled without a gap.
 */
export function leastUsdInSteps(
  { functions, functionOf, runMs, arrivalMs }: Workload,
  fleet: readonly MachineSpec[],
  stepMs: number
): number {
  const machines = byPriceOfWork(fleet)
  let usd = 0
  let leftMs = 0
  for (let call = 0, fromMs = 0; call < arrivalMs.length || leftMs > 0; fromMs += stepMs) {
    for (; (arrivalMs[call] ?? Number.POSITIVE_INFINITY) < fromMs + stepMs; call++) {
      leftMs += (runMs[call] ?? 0) * (functions[functionOf[call] ?? 0]?.cpus ?? 1)
    }
    const step = filled(leftMs, machines, stepMs)
    usd += step.usd
    leftMs = step.leftMs
  }
  return usd
}

function usdOfWork({ usdPerHour, cpus, speed }: MachineSpec): number {
  return usdPerHour / MS_PER_HOUR / cpus / speed
}

function byPriceOfWork(fleet: readonly MachineSpec[]): readonly MachineSpec[] {
  return fleet.toSorted((a, b) => usdOfWork(a) - usdOfWork(b))
}

/** Has machines do work for so long, one after the other, and says what that costs and what they leave. */
function filled(workMs: number, machines: readonly MachineSpec[], withinMs: number): { usd: number; leftMs: number } {
  let leftMs = workMs
  let usd = 0
  for (const machine of machines) {
    const takenMs = Math.min(leftMs, machine.cpus * machine.speed * withinMs)
    leftMs -= takenMs
    usd += takenMs * usdOfWork(machine)
  }
  return { usd, leftMs }
}
