import type { Estimate } from './placement.ts'

/** In shorter runs the time of the cores, which is told in ticks, says little of how it compares with that of the clock. */
const TOLD_RUN_MS_MIN = 50

/**
 * Which part of a run computes: 1 for all of it, also where that is not known; 0 for a run that only waits, for a disk, a network or a timer. Only
 * computing takes longer on a slow machine, and on cores that others use.
 */
export function computingShare({ runMs, cpuMs }: Pick<Estimate, 'runMs' | 'cpuMs'>): number {
  return cpuMs === undefined || runMs < TOLD_RUN_MS_MIN ? 1 : Math.min(1, cpuMs / runMs)
}

/**
 * How long a run takes on an idle machine, in milliseconds.
 *
 * @param estimate of a machine of reference speed
 * @param slowness 2 for a machine of half that speed
 */
export function runMsOn(estimate: Pick<Estimate, 'runMs' | 'cpuMs'>, slowness: number): number {
  const computingMs = estimate.runMs * computingShare(estimate)
  return computingMs * slowness + (estimate.runMs - computingMs)
}
