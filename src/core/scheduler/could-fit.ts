import { gpusOf, meets } from '../../model/labels.ts'
import type { PlacementRequest } from '../../model/placement.ts'
import { IS_WORKER } from './columns.ts'
import { CPU_OVERSUBSCRIPTION_RATIO, CPUS_TOLERANCE } from './constants.ts'
import type { PlacementTable } from './placement-table.ts'

/**
 * Whether some worker could have the work if nothing else ran there. If not, there is nothing to wait for. Looks at every peer, so ask it only
 * when a placement has failed.
 */
export function couldFit(
  {
    cpus,
    memoryBytes,
    arch,
    pinnedTo,
    gpus = 0,
    require
  }: Pick<PlacementRequest, 'cpus' | 'memoryBytes' | 'arch' | 'pinnedTo' | 'gpus' | 'require'>,
  { columns, profiles, ids }: PlacementTable
): boolean {
  return profiles.some(
    (profile, slot) =>
      ((columns.flags[slot] ?? 0) & IS_WORKER) !== 0 &&
      (pinnedTo === undefined || pinnedTo === ids[slot]) &&
      (arch === undefined || arch === profile.arch) &&
      (gpus === 0 || gpus <= gpusOf(profile.labels)) &&
      (require === undefined || meets(profile.labels, require)) &&
      memoryBytes <= profile.capacity.memoryBytes &&
      cpus <= profile.capacity.cpus * CPU_OVERSUBSCRIPTION_RATIO + CPUS_TOLERANCE
  )
}
