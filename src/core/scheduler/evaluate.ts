import type { PeerId } from '../../model/ids.ts'
import type { PlacementRequest } from '../../model/placement.ts'
import { IS_ALIVE, IS_DRAINING, IS_READY } from './columns.ts'
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
import type { Sheet } from './sheet.ts'
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

/** Fills a slot's row of the sheet: why the peer cannot have the work, or what the work would cost there. Returns whether it fits. */
export function evaluate(question: Question, slot: number, sheet: Sheet): boolean {
  const { request, table, kappa } = question
  const { columns } = table
  const flags = columns.flags[slot] ?? 0
  sheet.refusal[slot] = 0
  if ((flags & IS_ALIVE) === 0) return refuse(sheet, slot, 'not_alive')
  if ((flags & IS_DRAINING) !== 0) return refuse(sheet, slot, 'draining')
  if (request.exclude.length > 0 && request.exclude.includes(table.ids[slot] ?? table.self)) return refuse(sheet, slot, 'excluded')
  if (request.pinnedTo !== undefined && request.pinnedTo !== table.ids[slot]) return refuse(sheet, slot, 'not_pinned')
  if ((flags & IS_READY) === 0) return refuse(sheet, slot, 'no_runtime')
  if (request.arch !== undefined && request.arch !== table.profiles[slot]?.arch) return refuse(sheet, slot, 'wrong_arch')

  const idle = question.idle?.count(slot) ?? 0
  const claims = question.claims?.get(table.ids[slot] ?? table.self) ?? 0
  const warm = idle - claims >= 1
  sheet.warm[slot] = warm ? 1 : 0
  // An idle container holds its memory and cores already.
  if (!warm) {
    const memoryLeft = at(columns.memoryBytes, slot) - at(columns.memoryHeldBytes, slot) - at(columns.unseenColdMemoryBytes, slot)
    if (request.memoryBytes > memoryLeft) return refuse(sheet, slot, 'memory', request.memoryBytes, Math.max(0, memoryLeft))
    const cpusLeft =
      at(columns.cpus, slot) * CPU_OVERSUBSCRIPTION_RATIO - at(columns.cpusHeld, slot) - at(columns.unseenColdCpus, slot) + CPUS_TOLERANCE
    if (request.cpus > cpusLeft) return refuse(sheet, slot, 'slots', 1, Math.max(0, Math.floor(cpusLeft / request.cpus)))
  }

  const memoryWanted = at(columns.memoryHeldBytes, slot) + at(columns.unseenColdMemoryBytes, slot) + (warm ? 0 : request.memoryBytes)
  sheet.memoryLoad[slot] = memoryWanted / Math.max(1, at(columns.memoryBytes, slot))
  estimateCost(question, slot, sheet, 1, idle, claims)
  if (request.deadlineMs <= 0) return refuse(sheet, slot, 'deadline', at(sheet.total, slot), 0)
  // Trying brings the image and a warm container nearer, so they are no reason not to try.
  const inevitableMs = at(sheet.network, slot) + at(sheet.queue, slot) + at(sheet.run, slot)
  if (request.estimate.samples >= DEADLINE_SAMPLES_MIN && inevitableMs > DEADLINE_OVERRUN_RATIO * request.deadlineMs) {
    return refuse(sheet, slot, 'deadline', inevitableMs, request.deadlineMs)
  }
  // A guess at what other placers are doing may rank peers, but not rule them out.
  if (kappa !== 1) estimateCost(question, slot, sheet, kappa, idle, claims)
  return true
}

/**
 * Expected milliseconds by cause. Every part is what the peer's statistics and own unseen orders say: the network by prior, the start by
 * whether an idle container is left, the pull by whether the image is there, the queue as processor sharing (n executions on c cores each
 * take n/c times as long), and all work on the machine times its slowness.
 */
function estimateCost(
  { request, table, withImage }: Question,
  slot: number,
  sheet: Sheet,
  kappa: number,
  idle: number,
  claims: number
): void {
  const { estimate } = request
  const { columns } = table
  const slowness = at(columns.slowness, slot)
  const isSelf = table.ids[slot] === table.self
  const network = isSelf ? 0 : ROUND_TRIP_PRIOR_MS + (request.inputBytes + estimate.outputBytes) / NETWORK_BYTES_PER_MS_PRIOR

  const warmShare = Math.min(1, Math.max(0, idle - kappa * claims))
  const start = warmShare * estimate.warmStartMs + (1 - warmShare) * estimate.coldStartMs * slowness
  const hasImage = idle > 0 || (withImage?.count(slot) ?? 0) > 0
  const pull = hasImage ? 0 : (1 - warmShare) * (request.imageBytes / PULL_BYTES_PER_MS_PRIOR)

  const run = estimate.runMs * slowness
  const cpusWanted = at(columns.cpusBusy, slot) + kappa * at(columns.unseenCpus, slot) + request.cpus
  const cpuLoad = cpusWanted / Math.max(CPUS_TOLERANCE, at(columns.cpus, slot))
  const queue = run * Math.max(0, cpuLoad - 1)

  sheet.cpuLoad[slot] = cpuLoad
  sheet.network[slot] = network
  sheet.start[slot] = start
  sheet.pull[slot] = pull
  sheet.run[slot] = run
  sheet.queue[slot] = queue
  sheet.total[slot] = network + start + pull + queue + run
}

function refuse(sheet: Sheet, slot: number, ...why: Parameters<Sheet['refuse']> extends [number, ...infer Rest] ? Rest : never): false {
  sheet.refuse(slot, ...why)
  return false
}

function at(column: Float64Array, slot: number): number {
  return column[slot] ?? 0
}
