import type { PeerId } from '../../model/ids.ts'
import { gpusOf, meets } from '../../model/labels.ts'
import type { PlacementRequest } from '../../model/placement.ts'
import { shareOfMachine, usdOf } from '../../model/price.ts'
import { cacheShortage } from './cache-shortage.ts'
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
import { FIELD, ROW_NUMBERS, type Sheet } from './sheet.ts'
import type { SlotIndex } from './slot-index.ts'

/** How many hashes of ids there are, so that places in their order are from 0 to 1. */
const HASHES = 2 ** 32

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

/** Adds a row for each slot that is wanted and has none yet. */
export function evaluate(question: Question, sheet: Sheet): void {
  for (; sheet.count < sheet.wanted; sheet.count++) evaluateSlot(question, sheet.slots[sheet.count] ?? 0, sheet.count * ROW_NUMBERS, sheet)
}

/** Fills a row for a slot: why the peer cannot have the work, or what the work would cost there. */
function evaluateSlot(question: Question, slot: number, base: number, sheet: Sheet): void {
  const { request, table, kappa } = question
  const { columns } = table
  const { rows } = sheet
  rows[base] = slot
  rows[base + FIELD.refusal] = 0
  const flags = columns.flags[slot] ?? 0
  if ((flags & IS_ALIVE) === 0) return sheet.refuse(base, 'not_alive')
  if ((flags & IS_DRAINING) !== 0) return sheet.refuse(base, 'draining')
  if (request.exclude.length > 0 && request.exclude.includes(table.ids[slot] ?? table.self)) return sheet.refuse(base, 'excluded')
  if (request.pinnedTo !== undefined && request.pinnedTo !== table.ids[slot]) return sheet.refuse(base, 'not_pinned')
  if ((flags & IS_READY) === 0) return sheet.refuse(base, 'no_runtime')
  if (request.arch !== undefined && request.arch !== table.profiles[slot]?.arch) return sheet.refuse(base, 'wrong_arch')
  if (request.gpus !== undefined) {
    const gpus = gpusOf(table.profiles[slot]?.labels ?? {})
    if (request.gpus > gpus) return sheet.refuse(base, 'gpus', request.gpus, gpus)
  }
  if (request.require !== undefined && !meets(table.profiles[slot]?.labels ?? {}, request.require)) return sheet.refuse(base, 'labels')

  const idle = question.idle?.count(slot) ?? 0
  const claims = question.claims?.get(table.ids[slot] ?? table.self) ?? 0
  const isWarm = idle - claims >= 1
  const memoryBytes = at(columns.memoryBytes, slot)
  const memoryHeld = at(columns.memoryHeldBytes, slot) + at(columns.unseenColdMemoryBytes, slot) + at(columns.outsideMemoryBytes, slot)
  // An idle container holds its memory and cores already.
  if (!isWarm) {
    const memoryLeft = memoryBytes - memoryHeld
    if (request.memoryBytes > memoryLeft) return sheet.refuse(base, 'memory', request.memoryBytes, Math.max(0, memoryLeft))
    const cpusLeft =
      at(columns.cpus, slot) * CPU_OVERSUBSCRIPTION_RATIO - at(columns.cpusHeld, slot) - at(columns.unseenColdCpus, slot) + CPUS_TOLERANCE
    if (request.cpus > cpusLeft) return sheet.refuse(base, 'slots', 1, Math.max(0, Math.floor(cpusLeft / request.cpus)))
  }

  rows[base + FIELD.warm] = isWarm ? 1 : 0
  rows[base + FIELD.memoryLoad] = (memoryHeld + (isWarm ? 0 : request.memoryBytes)) / Math.max(1, memoryBytes)
  estimateCost(question, slot, rows, base, 1, idle, claims)
  if (request.deadlineMs <= 0) return sheet.refuse(base, 'deadline', at(rows, base + FIELD.total), 0)
  // Trying brings the image and a warm container nearer, so they are no reason not to try.
  const inevitableMs = at(rows, base + FIELD.network) + at(rows, base + FIELD.queue) + at(rows, base + FIELD.run)
  if (request.estimate.samples >= DEADLINE_SAMPLES_MIN && inevitableMs > DEADLINE_OVERRUN_RATIO * request.deadlineMs) {
    return sheet.refuse(base, 'deadline', inevitableMs, request.deadlineMs)
  }
  // A guess at what other placers are doing may rank peers, but not rule them out.
  if (kappa !== 1) estimateCost(question, slot, rows, base, kappa, idle, claims)
  const usd = priceOf(question, slot, at(rows, base + FIELD.total) - at(rows, base + FIELD.network))
  if (request.maxCostUsd !== undefined && request.estimate.samples >= DEADLINE_SAMPLES_MIN && usd > request.maxCostUsd) {
    return sheet.refuse(base, 'budget', usd, request.maxCostUsd)
  }
  rows[base + FIELD.usd] = usd
  rows[base + FIELD.usdPerHour] = at(columns.usdPerHour, slot)
  rows[base + FIELD.cpuShare] = request.cpus / Math.max(CPUS_TOLERANCE, at(columns.cpus, slot))
  rows[base + FIELD.turn] = at(columns.turn, slot)
  rows[base + FIELD.place] = (columns.idHashes[slot] ?? 0) / HASHES
  sheet.fitting++
}

/**
 * Expected milliseconds by cause. Every part is what the peer's statistics and own unseen orders say: the network by prior, the start by
 * whether an idle container is left, the pull by whether the image is there, the queue as processor sharing (n executions on c cores each
 * take n/c times as long), the cache by what the work there leaves of it, and all work on the machine times its slowness.
 */
function estimateCost(
  { request, table, withImage }: Question,
  slot: number,
  rows: Float64Array,
  base: number,
  kappa: number,
  idle: number,
  claims: number
): void {
  const { estimate } = request
  const { columns } = table
  const slowness = at(columns.slowness, slot)
  const network = networkMs(request, slot === table.selfSlot)

  const warmShare = Math.min(1, Math.max(0, idle - kappa * claims))
  const start = warmShare * estimate.warmStartMs + (1 - warmShare) * estimate.coldStartMs * slowness
  const hasImage = idle > 0 || (withImage?.count(slot) ?? 0) > 0
  const pull = hasImage ? 0 : (1 - warmShare) * (request.imageBytes / PULL_BYTES_PER_MS_PRIOR)

  const run = estimate.runMs * slowness
  const cpusWanted = at(columns.cpusBusy, slot) + kappa * at(columns.unseenCpus, slot) + request.cpus
  const cpuLoad = cpusWanted / Math.max(CPUS_TOLERANCE, at(columns.cpus, slot))
  const queue = run * Math.max(0, cpuLoad - 1)

  const llcBytes = at(columns.llcBytes, slot)
  const llcFree = llcBytes - at(columns.llcHeldBytes, slot) - kappa * at(columns.unseenLlcBytes, slot)
  const need = estimate.cache
  const cache = need === undefined || llcBytes === 0 ? 0 : (run + queue) * cacheShortage(need, llcFree)

  rows[base + FIELD.cache] = cache
  rows[base + FIELD.llcFree] = llcBytes === 0 ? Number.NaN : Math.max(0, llcFree)
  rows[base + FIELD.cpuLoad] = cpuLoad
  rows[base + FIELD.network] = network
  rows[base + FIELD.start] = start
  rows[base + FIELD.pull] = pull
  rows[base + FIELD.queue] = queue
  rows[base + FIELD.run] = run
  rows[base + FIELD.total] = network + start + pull + queue + run + cache
}

/** Expected time for input and output on the way to a worker and back. */
export function networkMs({ inputBytes, estimate }: Pick<PlacementRequest, 'inputBytes' | 'estimate'>, isSelf: boolean): number {
  return isSelf ? 0 : ROUND_TRIP_PRIOR_MS + (inputBytes + estimate.outputBytes) / NETWORK_BYTES_PER_MS_PRIOR
}

/** What the peer asks for the time that the work occupies it, see `usdOf`. */
function priceOf({ request, table: { columns } }: Question, slot: number, occupiedMs: number): number {
  const usdPerHour = at(columns.usdPerHour, slot)
  if (usdPerHour === 0) return 0
  const capacity = { cpus: at(columns.cpus, slot), memoryBytes: at(columns.memoryBytes, slot) }
  return usdOf(usdPerHour, shareOfMachine(capacity, request.cpus, request.memoryBytes), occupiedMs)
}

function at(column: Float64Array, index: number): number {
  return column[index] ?? 0
}
