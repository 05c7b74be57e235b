import type { PlacementRequest } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import { RANDOM_CANDIDATES_COUNT, SCAN_ALL_PEERS_MAX, WARM_CANDIDATES_MAX } from './constants.ts'
import type { PlacementTable } from './placement-table.ts'
import type { Sheet } from './sheet.ts'

/**
 * Has the sheet look at the slots that are worth it. In a small cluster that is everyone. In a large one: workers with an idle container, the
 * function's homes, and some random ones. Against a scan of all this loses nothing that can be measured, and it keeps placers that do not see
 * each other from agreeing on one victim.
 *
 * @returns whether every peer is wanted
 */
export function wantCandidates(request: PlacementRequest, table: PlacementTable, random: Random, sheet: Sheet): boolean {
  const { size } = table
  if (size <= SCAN_ALL_PEERS_MAX) {
    wantAll(table, sheet)
    return true
  }
  const idle = table.idle(request.function)
  if (idle !== undefined) {
    const count = Math.min(idle.size, WARM_CANDIDATES_MAX)
    // A window at a random place: a fixed one would send every call to the same workers.
    const first = idle.size > count ? Math.floor(random() * idle.size) : 0
    for (let i = 0; i < count; i++) sheet.want(idle.at((first + i) % idle.size))
  }
  for (const slot of table.homes(request.function)) sheet.want(slot)
  for (let i = 0; i < RANDOM_CANDIDATES_COUNT; i++) sheet.want(Math.floor(random() * size))
  return false
}

/** Has the sheet look at every slot. */
export function wantAll(table: PlacementTable, sheet: Sheet): void {
  for (let slot = 0; slot < table.size; slot++) sheet.want(slot)
}
