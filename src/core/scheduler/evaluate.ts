import { computingShare } from '../../model/computing.ts'
import type { PeerId } from '../../model/ids.ts'
import { firstUnmet, gpusOf } from '../../model/labels.ts'
import type { PlacementRequest } from '../../model/placement.ts'
import { usdOf } from '../../model/price.ts'
import { cacheShortage } from './cache-shortage.ts'
import { ARCH_MASK, archBits, CELL, IS_ALIVE, IS_DRAINING, IS_READY, SLOT_CELLS } from './cells.ts'
import {
  CPU_OVERSUBSCRIPTION_RATIO,
  CPUS_TOLERANCE,
  DEADLINE_OVERRUN_RATIO,
  DEADLINE_SAMPLES_MIN,
  NETWORK_BYTES_PER_MS_PRIOR,
  PULL_BYTES_PER_MS_PRIOR,
  ROUND_TRIP_PRIOR_MS
} from './constants.ts'
import type { PlacementTable } from './placement-table.ts'
import { FIELD, ROW_NUMBERS, type Sheet } from './sheet.ts'
import type { SlotIndex } from './slot-index.ts'

/** One request with what of the table it needs for every slot, looked up once. */
export interface Question {
  readonly request: PlacementRequest
  readonly table: PlacementTable
  /** How heavily own unseen orders count in the costs; see `PlaceOptions.kappa`. */
  readonly kappa: number
  readonly idle: SlotIndex | undefined
  readonly claims: ReadonlyMap<PeerId, number> | undefined
  readonly withImage: SlotIndex | undefined
}

/** Looks up what a request needs. */
export function ask(request: PlacementRequest, table: PlacementTable, kappa: number): Question {
  return {
    request,
    table,
    kappa,
    idle: table.idle(request.function),
    claims: table.claims(request.function),
    withImage: table.withImage(request.digest)
  }
}

/**
 * Makes a row for each slot that is wanted: why the peer cannot have the work, or what the work would cost there. Says of all
 * that fit what is true of them together.
 *
 * Expected milliseconds come by cause. Every part is what the peer's statistics and own unseen orders say: the network by prior, the start by
 * whether an idle container is left, the pull by whether the image is there, the queue as processor sharing (n executions on c cores each
 * take n/c times as long), the cache by what the work there leaves of it, and all computing on the machine times its slowness. The part of a run that
 * waits takes as long everywhere.
 *
 * One loop, and what does not depend on the peer before it: this is most of a placement, and calls for each peer and part doubled it.
 */
export function evaluate({ request, table, kappa, idle, claims, withImage }: Question, sheet: Sheet): void {
  sheet.makeRows()
  const { rows, first, slots, wanted } = sheet
  const { estimate, cpus, memoryBytes: memoryWanted, deadlineMs, maxCostUsd = Number.POSITIVE_INFINITY } = request
  const { runMs, coldStartMs, warmStartMs, cache: need } = estimate
  const { selfSlot } = table
  const { arch } = request
  const flagsRead = MAY_TAKE_WORK | (arch === undefined ? 0 : ARCH_MASK)
  const flagsWanted = IS_ALIVE | IS_READY | (arch === undefined ? 0 : archBits(arch))
  const cells = table.cells.numbers
  const isChoosy = hasConstraints(request)
  const isLearned = estimate.samples >= DEADLINE_SAMPLES_MIN
  const computingMs = runMs * computingShare(estimate)
  const waitingMs = runMs - computingMs
  const remoteMs = networkMs(request, false)
  const pullMs = estimate.pullMs ?? request.imageBytes / PULL_BYTES_PER_MS_PRIOR
  let bestMs = Number.POSITIVE_INFINITY
  let leastUsdPerHour = Number.POSITIVE_INFINITY
  let mostUsdPerHour = 0

  for (let row = 0; row < wanted; row++) {
    const slot = slots[row] ?? 0
    const cell = slot * SLOT_CELLS
    const base = first + row * ROW_NUMBERS
    rows[base] = slot
    const flags = at(cells, cell + CELL.flags)
    if ((isChoosy || (flags & flagsRead) !== flagsWanted) && isRefused(request, table, slot, flags, sheet, base)) continue

    const idleCount = idle === undefined ? 0 : idle.count(slot)
    const claimed = idleCount === 0 || claims === undefined ? 0 : (claims.get(table.ids[slot] ?? table.self) ?? 0)
    const isWarm = idleCount - claimed >= 1
    const cpusThere = at(cells, cell + CELL.cpus)
    const memoryThere = at(cells, cell + CELL.memoryBytes)
    const memoryHeld = at(cells, cell + CELL.memoryHeldBytes) + at(cells, cell + CELL.outsideMemoryBytes)
    // An idle container holds its memory and cores already.
    if (!isWarm) {
      const memoryLeft = memoryThere - memoryHeld
      if (memoryWanted > memoryLeft) {
        sheet.refuse(base, 'memory', memoryWanted, Math.max(0, memoryLeft))
        continue
      }
      const cpusLeft = cpusThere * CPU_OVERSUBSCRIPTION_RATIO - at(cells, cell + CELL.cpusHeld) + CPUS_TOLERANCE
      if (cpus > cpusLeft) {
        sheet.refuse(base, 'slots', 1, Math.max(0, Math.floor(cpusLeft / cpus)))
        continue
      }
    }

    const slowness = at(cells, cell + CELL.slowness)
    const network = slot === selfSlot ? 0 : remoteMs
    const warmShare = idleCount === 0 ? 0 : Math.min(1, Math.max(0, idleCount - kappa * claimed))
    const start = warmShare * warmStartMs + (1 - warmShare) * coldStartMs * slowness
    const hasImage = idleCount > 0 || (withImage !== undefined && withImage.count(slot) > 0)
    const pull = hasImage ? 0 : (1 - warmShare) * pullMs
    const computing = computingMs * slowness
    const run = computing + waitingMs
    const cores = Math.max(CPUS_TOLERANCE, cpusThere)
    const busy = at(cells, cell + CELL.cpusBusy)
    const unseen = at(cells, cell + CELL.unseenCpus)
    const cpuLoad = (busy + kappa * unseen + cpus) / cores
    const queue = computing * Math.max(0, cpuLoad - 1)
    const llcBytes = at(cells, cell + CELL.llcBytes)
    const llcFree = llcBytes - at(cells, cell + CELL.llcHeldBytes) - kappa * at(cells, cell + CELL.unseenLlcBytes)
    const cache = need === undefined || llcBytes === 0 ? 0 : (run + queue) * cacheShortage(need, llcFree)
    const total = network + start + pull + queue + run + cache

    if (deadlineMs <= 0) {
      sheet.refuse(base, 'deadline', total, 0)
      continue
    }
    // Trying brings the image and a warm container nearer, so they are no reason not to try. A guess at what other placers are doing (kappa) may
    // rank peers, but not rule them out.
    const inevitableMs = network + computing * Math.max(0, (busy + unseen + cpus) / cores - 1) + run
    if (isLearned && inevitableMs > DEADLINE_OVERRUN_RATIO * deadlineMs) {
      sheet.refuse(base, 'deadline', inevitableMs, deadlineMs)
      continue
    }
    const usdPerHour = at(cells, cell + CELL.usdPerHour)
    const share = usdPerHour === 0 ? 0 : Math.min(1, Math.max(cpus / (cpusThere || 1), memoryWanted / (memoryThere || 1)))
    const usd = usdOf(usdPerHour, share, total - network)
    if (isLearned && usd > maxCostUsd) {
      sheet.refuse(base, 'budget', usd, maxCostUsd)
      continue
    }

    rows[base + FIELD.refusal] = 0
    rows[base + FIELD.warm] = isWarm ? 1 : 0
    rows[base + FIELD.network] = network
    rows[base + FIELD.start] = start
    rows[base + FIELD.pull] = pull
    rows[base + FIELD.queue] = queue
    rows[base + FIELD.run] = run
    rows[base + FIELD.total] = total
    rows[base + FIELD.cpuLoad] = cpuLoad
    rows[base + FIELD.memoryLoad] = (memoryHeld + (isWarm ? 0 : memoryWanted)) / Math.max(1, memoryThere)
    rows[base + FIELD.usd] = usd
    rows[base + FIELD.cpuShare] = cpus / cores
    rows[base + FIELD.turn] = at(cells, cell + CELL.turn)
    rows[base + FIELD.place] = at(cells, cell + CELL.place)
    rows[base + FIELD.usdPerHour] = usdPerHour
    rows[base + FIELD.cache] = cache
    rows[base + FIELD.llcFree] = llcBytes === 0 ? Number.NaN : Math.max(0, llcFree)
    sheet.fitting++
    if (total < bestMs) bestMs = total
    if (usdPerHour < leastUsdPerHour) leastUsdPerHour = usdPerHour
    if (usdPerHour > mostUsdPerHour) mostUsdPerHour = usdPerHour
  }
  sheet.count = wanted
  sheet.candidate.field.bestMs = bestMs
  sheet.candidate.field.pricesDiffer = leastUsdPerHour > 0 && leastUsdPerHour < mostUsdPerHour
}

/** Flags that decide together whether a peer may have any work. */
const MAY_TAKE_WORK = IS_ALIVE | IS_DRAINING | IS_READY

/** Whether a request wants more of a peer than room and the architecture of its image, which nearly every image has. */
function hasConstraints({ exclude, pinnedTo, gpus, require }: PlacementRequest): boolean {
  return exclude.length > 0 || pinnedTo !== undefined || gpus !== undefined || require !== undefined
}

/** Refuses a peer that is not what the request wants, however much room it has. */
function isRefused(request: PlacementRequest, table: PlacementTable, slot: number, flags: number, sheet: Sheet, base: number): boolean {
  const { exclude, pinnedTo, arch, gpus, require } = request
  const profile = table.profiles[slot]
  const labels = profile?.labels ?? {}
  if ((flags & IS_ALIVE) === 0) sheet.refuse(base, 'not_alive')
  else if ((flags & IS_DRAINING) !== 0) sheet.refuse(base, 'draining')
  else if (exclude.length > 0 && exclude.includes(table.ids[slot] ?? table.self)) sheet.refuse(base, 'excluded')
  else if (pinnedTo !== undefined && pinnedTo !== table.ids[slot]) sheet.refuse(base, 'not_pinned')
  else if ((flags & IS_READY) === 0) sheet.refuse(base, 'no_runtime')
  else if (arch !== undefined && arch !== profile?.arch) sheet.refuse(base, 'wrong_arch')
  else if (gpus !== undefined && gpus > gpusOf(labels)) sheet.refuse(base, 'gpus', gpus, gpusOf(labels))
  else {
    const unmet = require === undefined ? -1 : firstUnmet(labels, require)
    if (unmet < 0) return false
    sheet.refuse(base, 'labels', unmet)
  }
  return true
}

/** Expected time for input and output on the way to a worker and back. */
export function networkMs({ inputBytes, estimate }: Pick<PlacementRequest, 'inputBytes' | 'estimate'>, isSelf: boolean): number {
  return isSelf ? 0 : ROUND_TRIP_PRIOR_MS + (inputBytes + estimate.outputBytes) / NETWORK_BYTES_PER_MS_PRIOR
}

function at(column: Float64Array, index: number): number {
  return column[index] ?? 0
}
