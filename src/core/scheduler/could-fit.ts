import { runMsOn } from '../../model/computing.ts'
import { gpusOf, meets } from '../../model/labels.ts'
import type { PlacementRequest } from '../../model/placement.ts'
import { CELL, IS_WORKER } from './cells.ts'
import { CPU_OVERSUBSCRIPTION_RATIO, CPUS_TOLERANCE, DEADLINE_OVERRUN_RATIO, DEADLINE_SAMPLES_MIN } from './constants.ts'
import { networkMs } from './evaluate.ts'
import type { PlacementTable } from './placement-table.ts'

/** What work wants of the machine itself, whatever else runs there. */
export type MachineNeeds = Pick<PlacementRequest, 'cpus' | 'memoryBytes' | 'arch' | 'pinnedTo' | 'gpus' | 'require'>

/**
 * Whether some worker could have the work if nothing else ran there. If not, there is nothing to wait for. Looks at every peer, so ask it only
 * when a placement has failed.
 */
export function couldFit(needs: MachineNeeds, table: PlacementTable): boolean {
  return table.profiles.some((_, slot) => suits(slot, needs, table))
}

/**
 * Whether some worker that could have the work would end it in time if nothing else ran there, as far as its run time is known. If not, the same
 * request fails again. Looks at every peer, like {@link couldFit}.
 */
export function couldEndInTime(
  request: MachineNeeds & Pick<PlacementRequest, 'inputBytes' | 'estimate' | 'deadlineMs'>,
  table: PlacementTable
): boolean {
  const { estimate, deadlineMs } = request
  if (estimate.samples < DEADLINE_SAMPLES_MIN) return true
  return table.profiles.some((_, slot) => {
    const leastMs = networkMs(request, slot === table.selfSlot) + runMsOn(estimate, table.cells.get(slot, CELL.slowness))
    return leastMs <= DEADLINE_OVERRUN_RATIO * deadlineMs && suits(slot, request, table)
  })
}

function suits(
  slot: number,
  { cpus, memoryBytes, arch, pinnedTo, gpus = 0, require }: MachineNeeds,
  { cells, profiles, ids }: PlacementTable
): boolean {
  const profile = profiles[slot]
  return (
    profile !== undefined &&
    (cells.get(slot, CELL.flags) & IS_WORKER) !== 0 &&
    (pinnedTo === undefined || pinnedTo === ids[slot]) &&
    (arch === undefined || arch === profile.arch) &&
    (gpus === 0 || gpus <= gpusOf(profile.labels)) &&
    (require === undefined || meets(profile.labels, require)) &&
    memoryBytes <= profile.capacity.memoryBytes &&
    cpus <= profile.capacity.cpus * CPU_OVERSUBSCRIPTION_RATIO + CPUS_TOLERANCE
  )
}
