import type { Decision, PlacementRequest, RejectionReason, Verdict } from '../../model/placement.ts'
import type { Random } from '../../model/random.ts'
import { visitAll, visitCandidates } from './candidates.ts'
import { VERDICTS_MAX } from './constants.ts'
import { ask, evaluate } from './evaluate.ts'
import type { PlacementTable } from './placement-table.ts'
import type { Sheet } from './sheet.ts'
import type { Field, Strategy } from './strategy.ts'

/** How to choose. */
export interface PlaceOptions {
  /** Seeded by the caller: the same table, request and seed give the same decision. */
  readonly random: Random
  readonly strategy: Strategy
  /**
   * How heavily own unseen orders count in the costs: `min(12, placers at work)`, so 1 for an orchestrator in office, and for a gateway in
   * fallback the number of gateways that it believes are placing too. Others, like itself, have ordered what no statistics show yet.
   */
  readonly kappa: number
}

/**
 * Chooses a worker for one execution: of the candidates that can have it, one of those that the strategy likes best. Reads the table, changes
 * nothing; reserve what was chosen before the next call.
 */
export function place(request: PlacementRequest, table: PlacementTable, { random, strategy, kappa }: PlaceOptions): Decision {
  const placement = table.nextPlacement()
  const sheet = table.sheet()
  const question = ask(request, table, kappa)
  const fitting: number[] = []
  const refused: number[] = []
  const visit = (slot: number): void => {
    if (sheet.lookedAt[slot] === placement) return
    sheet.lookedAt[slot] = placement
    if (evaluate(question, slot, sheet)) fitting.push(slot)
    else refused.push(slot)
  }

  const pinned = request.pinnedTo === undefined ? undefined : table.slotOf(request.pinnedTo)
  if (pinned !== undefined) visit(pinned)
  else if (!visitCandidates(request, table, random, visit) && fitting.length === 0) visitAll(table, visit)

  const chosen = pick(fitting, { request, table, strategy, random, sheet })
  const looked = fitting.length + refused.length
  const rejected = countReasons(refused, sheet)
  // Nobody else needs to be looked at to know why it cannot be had.
  if (pinned !== undefined && looked < table.size) rejected.not_pinned = table.size - looked
  return {
    chosen: chosen === undefined ? null : (table.ids[chosen] ?? null),
    verdicts: verdicts(fitting, refused, chosen, table, sheet),
    skipped: pinned === undefined ? table.size - looked : 0,
    rejected
  }
}

interface PickContext {
  readonly request: PlacementRequest
  readonly table: PlacementTable
  readonly strategy: Strategy
  readonly random: Random
  readonly sheet: Sheet
}

function pick(fitting: readonly number[], { request, table, strategy, random, sheet }: PickContext): number | undefined {
  const field = fieldOf(fitting, table, sheet)
  const candidate = { request, table, field, slot: 0, totalMs: 0, occupiedMs: 0, cpuLoad: 0, memoryLoad: 0 }
  let best = Number.POSITIVE_INFINITY
  for (const slot of fitting) {
    const totalMs = sheet.total[slot] ?? 0
    candidate.slot = slot
    candidate.totalMs = totalMs
    candidate.occupiedMs = totalMs - (sheet.network[slot] ?? 0)
    candidate.cpuLoad = sheet.cpuLoad[slot] ?? 0
    candidate.memoryLoad = sheet.memoryLoad[slot] ?? 0
    const score = strategy.score(candidate)
    sheet.score[slot] = score
    if (score < best) best = score
  }
  const limit = best + Math.abs(best) * strategy.bandRatio
  const band = fitting.filter(slot => (sheet.score[slot] ?? 0) <= limit)
  if (band.length > 1) band.sort((a, b) => compareIds(table, a, b))
  return band[Math.floor(random() * band.length)]
}

function fieldOf(fitting: readonly number[], { columns }: PlacementTable, sheet: Sheet): Field {
  let bestMs = Number.POSITIVE_INFINITY
  let leastUsd = Number.POSITIVE_INFINITY
  let mostUsd = 0
  for (const slot of fitting) {
    bestMs = Math.min(bestMs, sheet.total[slot] ?? 0)
    leastUsd = Math.min(leastUsd, columns.usdPerHour[slot] ?? 0)
    mostUsd = Math.max(mostUsd, columns.usdPerHour[slot] ?? 0)
  }
  return { bestMs, pricesDiffer: leastUsd > 0 && leastUsd < mostUsd }
}

function countReasons(refused: readonly number[], sheet: Sheet): Partial<Record<RejectionReason, number>> {
  const counts: Partial<Record<RejectionReason, number>> = {}
  for (const slot of refused) {
    const reason = sheet.reasonOf(slot)
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

/** The chosen one first, then who else fits, best first, then who does not, by id; at most {@link VERDICTS_MAX}. */
function verdicts(fitting: number[], refused: number[], chosen: number | undefined, table: PlacementTable, sheet: Sheet): Verdict[] {
  const rank = (slot: number): number => (slot === chosen ? Number.NEGATIVE_INFINITY : (sheet.score[slot] ?? 0))
  fitting.sort((a, b) => rank(a) - rank(b) || compareIds(table, a, b))
  // Cut before it is sorted: after a full scan there may be thousands, and any few of them are as good an example.
  const examples = refused.slice(0, Math.max(0, VERDICTS_MAX - fitting.length)).sort((a, b) => compareIds(table, a, b))
  return [...fitting.slice(0, VERDICTS_MAX), ...examples].map(slot => verdict(slot, table, sheet))
}

function verdict(slot: number, table: PlacementTable, sheet: Sheet): Verdict {
  const peer = table.ids[slot] ?? table.self
  const reason = sheet.reasonOf(slot)
  if (reason === undefined) {
    const cost = sheet.costOf(slot)
    const score = sheet.score[slot] ?? 0
    return { peer, fits: true, cost, start: sheet.warm[slot] === 1 ? 'warm' : 'cold', ...(score === cost.total ? {} : { score }) }
  }
  const needed = sheet.needed[slot] ?? Number.NaN
  if (Number.isNaN(needed)) return { peer, fits: false, reason }
  return { peer, fits: false, reason, needed, available: sheet.available[slot] ?? 0 }
}

function compareIds(table: PlacementTable, a: number, b: number): number {
  return (table.ids[a] ?? '') < (table.ids[b] ?? '') ? -1 : 1
}
